/* A program with a bug for debuggers to find: it is the first process of a guest, and dies of a pointer that was
   overwritten long before. docs/DEBUGGING.md goes from the crash back to the culprit. */
#include <stdio.h>
#include <string.h>

struct item {
  char name[16];
  int (*price)(int count);
};

static int normal_price(int count) { return 3 * count; }

static struct item shelf[64];

__attribute__((noinline)) void rename_item(int number, const char *name) { strcpy(shelf[number].name, name); }

__attribute__((noinline)) int sell(int number, int count) { return shelf[number].price(count); }

int main(void) {
  int earned = 0;
  for (int i = 0; i < 64; ++i) shelf[i].price = normal_price;
  for (int day = 0; day < 2000; ++day) {
    char name[40];
    snprintf(name, sizeof name, "item of day %d", day);
    /* Every day one gets a new name; one day it is too long. */
    rename_item(day % 63, day == 1237 ? "an item with a much longer name" : name);
    for (int i = 0; i < 40; ++i) earned += sell((day * 7 + i) % 40, i);
  }
  printf("earned %d\n", earned);
  return 0;
}
