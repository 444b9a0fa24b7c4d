/* The load of bench/pc.py: first process of an initramfs, told by the serial port what to do. Each command is answered
   by `begin` when the work starts and `end COUNT GUEST_NS` when it is done, COUNT being what the guest counted itself;
   then the host's clock can time it. Not here: what is measured with it and how it is judged. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <net/if.h>
#include <net/route.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { large_bytes = 1 << 20, small_bytes = 4096, datagram_bytes = 64, port = 5001 };

static int serial = 1, listener, datagrams;
static unsigned char* buffer;

static void say(const char* format, ...) {
  char line[256];
  va_list words;
  va_start(words, format);
  int length = vsnprintf(line, sizeof line, format, words);
  va_end(words);
  if (write(serial, line, length) < 0) exit(1);
  tcdrain(serial);
}
static int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}
/* Returns what `result` is unless it says that a system call failed. */
static long must(long result, const char* what) {
  if (result >= 0) return result;
  say("failed %s: %s\n", what, strerror(errno));
  for (;;) pause();
}
static int64_t begin(void) {
  say("begin\n");
  return now_ns();
}

static void load_modules(void) {
  FILE* order = fopen("/lib/modules/order", "r");
  char name[64], path[128];
  while (order && fscanf(order, "%63s", name) == 1) {
    snprintf(path, sizeof path, "/lib/modules/%s", name);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file >= 0) syscall(SYS_finit_module, file, "", 0);
    close(file);
  }
}
static const char* find_disk(void) {
  static const char* const names[] = {"/dev/vda", "/dev/sda"};
  for (int tries = 0; tries < 600; tries++) {
    for (int i = 0; i < 2; i++)
      if (access(names[i], F_OK) == 0) return names[i];
    usleep(50000);
  }
  return "";
}
static struct sockaddr* address(const char* text, int at) {
  static struct sockaddr_in in;
  in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(at)};
  inet_pton(AF_INET, text, &in.sin_addr);
  return (struct sockaddr*)&in;
}
static void start_network(void) {
  struct ifreq request = {.ifr_name = "eth0"};
  int one = 1, s = must(socket(AF_INET, SOCK_DGRAM, 0), "socket");
  for (int tries = 0; if_nametoindex("eth0") == 0 && tries < 200; tries++) usleep(50000);
  if (if_nametoindex("eth0") == 0) return;
  request.ifr_addr = *address("10.0.2.15", 0);
  must(ioctl(s, SIOCSIFADDR, &request), "address");
  request.ifr_netmask = *address("255.255.255.0", 0);
  must(ioctl(s, SIOCSIFNETMASK, &request), "netmask");
  request.ifr_flags = IFF_UP;
  must(ioctl(s, SIOCSIFFLAGS, &request), "interface up");
  close(s);
  listener = must(socket(AF_INET, SOCK_STREAM, 0), "socket");
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  must(bind(listener, address("0.0.0.0", port), sizeof(struct sockaddr_in)), "bind");
  must(listen(listener, 4), "listen");
  datagrams = must(socket(AF_INET, SOCK_DGRAM, 0), "socket");
  must(bind(datagrams, address("0.0.0.0", port), sizeof(struct sockaddr_in)), "bind");
  /* The kernel tells of the link in its own time; a card negotiates half a second and longer. */
  char up = 0;
  for (int tries = 0; up != '1' && tries < 200; tries++) {
    int carrier = open("/sys/class/net/eth0/carrier", O_RDONLY);
    if (read(carrier, &up, 1) != 1) up = 0;
    close(carrier);
    usleep(50000);
  }
}

/* `count` requests of `size` bytes to the disk itself, one after the other or, `random`, anywhere. */
static void disk(const char* path, int write_it, int random, long size, long count) {
  int file = must(open(path, (write_it ? O_WRONLY : O_RDONLY) | O_DIRECT | (write_it && random ? O_DSYNC : 0)), path);
  uint64_t bytes = 0, state = 88172645463325252ULL;
  must(ioctl(file, BLKGETSIZE64, &bytes), "size");
  uint64_t places = bytes / size;
  int64_t from = begin();
  for (long i = 0; i < count; i++) {
    uint64_t place = i % places;
    if (random) {
      state ^= state << 13, state ^= state >> 7, state ^= state << 17;
      place = state % places;
    }
    off_t at = (off_t)(place * size);
    must(write_it ? pwrite(file, buffer, size, at) : pread(file, buffer, size, at), write_it ? "write" : "read");
  }
  if (write_it) must(fsync(file), "fsync");
  say("end %ld %lld\n", count * size, (long long)(now_ns() - from));
  close(file);
}

static int peer(void) {
  int one = 1, s = must(accept(listener, NULL, NULL), "accept");
  setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return s;
}
/* The host sends; one byte goes back when all has come. */
static void tcp_in(long count) {
  say("listening\n");
  int s = peer();
  int64_t from = begin();
  long got = 0;
  while (got < count) {
    long n = must(read(s, buffer, large_bytes), "receive");
    if (n == 0) break;
    got += n;
  }
  must(write(s, "", 1), "answer");
  int64_t took = now_ns() - from;
  say("end %ld %lld\n", got, (long long)took);
  close(s);
}
static void tcp_out(long count) {
  say("listening\n");
  int s = peer();
  int64_t from = begin();
  long sent = 0;
  while (sent < count) sent += must(write(s, buffer, count - sent < 65536 ? count - sent : 65536), "send");
  must(shutdown(s, SHUT_WR), "shutdown");
  while (read(s, buffer, 1) > 0) {
  } /* the host closes when it has all */
  int64_t took = now_ns() - from;
  say("end %ld %lld\n", sent, (long long)took);
  close(s);
}
/* One byte there, one back. */
static void tcp_echo(void) {
  say("listening\n");
  int s = peer();
  int64_t from = begin();
  long count = 0, n;
  while ((n = read(s, buffer, 64)) > 0) {
    must(write(s, buffer, n), "echo");
    count += n;
  }
  say("end %ld %lld\n", count, (long long)(now_ns() - from));
  close(s);
}
/* Every datagram goes back to where it came from, until one has a single byte. */
static void udp_echo(void) {
  struct sockaddr_in from_where;
  while (recv(datagrams, buffer, 2048, MSG_DONTWAIT) >= 0) {
  } /* left over from the last time */
  say("listening\n");
  int64_t from = begin();
  long count = 0;
  for (;;) {
    socklen_t length = sizeof from_where;
    long n = must(recvfrom(datagrams, buffer, 2048, 0, (struct sockaddr*)&from_where, &length), "recvfrom");
    if (n == 1) break;
    if (sendto(datagrams, buffer, n, 0, (struct sockaddr*)&from_where, length) == n) count++;
  }
  say("end %ld %lld\n", count, (long long)(now_ns() - from));
}
/* `count` numbered datagrams to whoever sends the first one. */
static void udp_out(long count) {
  struct sockaddr_in to;
  socklen_t length = sizeof to;
  while (recv(datagrams, buffer, 2048, MSG_DONTWAIT) >= 0) {
  }
  say("listening\n");
  must(recvfrom(datagrams, buffer, 2048, 0, (struct sockaddr*)&to, &length), "recvfrom");
  int64_t from = begin();
  for (long i = 0; i < count; i++) {
    memcpy(buffer, &i, sizeof i);
    sendto(datagrams, buffer, datagram_bytes, 0, (struct sockaddr*)&to, length);
  }
  int64_t took = now_ns() - from;
  say("end %ld %lld\n", count, (long long)took);
}

int main(void) {
  mkdir("/dev", 0755), mkdir("/proc", 0755), mkdir("/sys", 0755);
  mount("dev", "/dev", "devtmpfs", 0, "");
  mount("proc", "/proc", "proc", 0, "");
  mount("sys", "/sys", "sysfs", 0, "");
  serial = open("/dev/ttyS0", O_RDWR | O_NOCTTY);
  struct termios line;
  tcgetattr(serial, &line);
  line.c_lflag &= ~(tcflag_t)ECHO; /* lines, but nothing is said twice */
  line.c_oflag &= ~(tcflag_t)OPOST;
  line.c_iflag &= ~(tcflag_t)ICRNL;
  tcsetattr(serial, TCSANOW, &line);
  load_modules();
  start_network();
  const char* path = find_disk();
  buffer = aligned_alloc(large_bytes, large_bytes);
  memset(buffer, 0x5a, large_bytes);
  say("ready %s\n", path);
  FILE* commands = fdopen(dup(serial), "r");
  char what[32];
  long count;
  while (fscanf(commands, "%31s %ld", what, &count) == 2) {
    if (!strcmp(what, "read"))
      disk(path, 0, 0, large_bytes, count);
    else if (!strcmp(what, "write"))
      disk(path, 1, 0, large_bytes, count);
    else if (!strcmp(what, "readr"))
      disk(path, 0, 1, small_bytes, count);
    else if (!strcmp(what, "writer"))
      disk(path, 1, 1, small_bytes, count);
    else if (!strcmp(what, "tcpin"))
      tcp_in(count);
    else if (!strcmp(what, "tcpout"))
      tcp_out(count);
    else if (!strcmp(what, "tcpecho"))
      tcp_echo();
    else if (!strcmp(what, "udpecho"))
      udp_echo();
    else if (!strcmp(what, "udpout"))
      udp_out(count);
    else if (!strcmp(what, "off"))
      reboot(RB_POWER_OFF);
    else
      say("failed no such command: %s\n", what);
  }
  for (;;) pause();
}
