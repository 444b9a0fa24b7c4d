// See host_usage.h. Pages of guest memory that were only read are the kernel's common zero page and cost nothing; the
// page map tells them from the others by bit 56, "exclusively mapped" (Linux Documentation/admin-guide/mm/pagemap.rst).
#include "vmm/app/host_usage.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <vector>

#include "vmm/world/descriptor.h"

namespace lockstitch::app {

namespace {

std::optional<std::uint64_t> resident_guest_bytes(const Memory& memory) {
  const world::Descriptor map(::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
  if (!map || ::sysconf(_SC_PAGESIZE) != static_cast<long>(page_bytes)) return std::nullopt;
  const std::uint64_t first = reinterpret_cast<std::uintptr_t>(memory.page_contents(0).data()) / page_bytes;
  std::vector<std::uint64_t> entries(8192);
  std::uint64_t resident = 0;
  for (std::uint64_t page = 0; page < memory.ram_pages();) {
    const std::uint64_t wanted = std::min<std::uint64_t>(entries.size(), memory.ram_pages() - page);
    const ssize_t got = ::pread(map.get(), entries.data(), wanted * 8, static_cast<off_t>((first + page) * 8));
    if (got < 8) return std::nullopt;
    const auto entries_got = static_cast<std::uint64_t>(got) / 8;
    for (std::uint64_t i = 0; i < entries_got; ++i) resident += (entries[i] >> 63) & (entries[i] >> 56) & 1;
    page += entries_got;
  }
  return resident * page_bytes;
}

std::uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t size_pages = 0, resident_pages = 0;
  statm >> size_pages >> resident_pages;
  return resident_pages * page_bytes;
}

}  // namespace

HostUsage host_usage(const Memory& memory) {
  HostUsage usage;
  struct rusage used {};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  usage.cpu_seconds = seconds(used.ru_utime) + seconds(used.ru_stime);
  usage.peak_rss_bytes = static_cast<std::uint64_t>(used.ru_maxrss) * 1024;
  usage.guest_resident_bytes = resident_guest_bytes(memory);
  const std::uint64_t resident = resident_bytes();
  if (usage.guest_resident_bytes && resident > *usage.guest_resident_bytes) {
    usage.monitor_bytes = resident - *usage.guest_resident_bytes;
  }
  return usage;
}

}  // namespace lockstitch::app
