/* Preloaded while the disk image is made, so that two builds give the same bytes: one fixed time, process id and random
   sequence for initdb, and one time for every file that mke2fs copies. Never part of the guest. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static time_t build_time(void) { return (time_t)atoll(getenv("LOCKSTITCH_BUILD_TIME")); }

time_t time(time_t *out) {
  time_t now = build_time();
  if (out) *out = now;
  return now;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone) {
  (void)zone;
  out->tv_sec = build_time();
  out->tv_usec = 0;
  return 0;
}

int clock_gettime(clockid_t clock, struct timespec *out) {
  (void)clock;
  out->tv_sec = build_time();
  out->tv_nsec = 0;
  return 0;
}

/* Part of PostgreSQL's system identifier. Children get it as well: initdb's are never there two at a time. */
pid_t getpid(void) { return 4242; }

/* OpenSSL's, which PostgreSQL takes its random bytes from. */
int RAND_status(void) { return 1; }
int RAND_bytes(unsigned char *out, int count) {
  static unsigned long state = 1;
  for (int i = 0; i < count; i++) {
    state = state * 6364136223846793005UL + 1442695040888963407UL;
    out[i] = (unsigned char)(state >> 56);
  }
  return 1;
}

/* fakeroot's own wrapper, preloaded behind this one, still gives the owners. */
int lstat(const char *restrict path, struct stat *restrict out) {
  static int (*next)(const char *, struct stat *);
  if (!next) next = (int (*)(const char *, struct stat *))dlsym(RTLD_NEXT, "lstat");
  int result = next(path, out);
  if (result == 0) {
    out->st_atim.tv_sec = out->st_mtim.tv_sec = out->st_ctim.tv_sec = build_time();
    out->st_atim.tv_nsec = out->st_mtim.tv_nsec = out->st_ctim.tv_nsec = 0;
  }
  return result;
}
int lstat64(const char *restrict path, struct stat64 *restrict out) { return lstat(path, (struct stat *)out); }
