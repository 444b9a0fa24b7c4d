// Ownership of libarchive's objects.
#pragma once
#include <archive.h>
#include <archive_entry.h>

#include <memory>

namespace lockstitch::sync {

struct FreeWriter {
  void operator()(archive* a) const { ::archive_write_free(a); }
};
struct FreeReader {
  void operator()(archive* a) const { ::archive_read_free(a); }
};
struct FreeEntry {
  void operator()(archive_entry* entry) const { ::archive_entry_free(entry); }
};

using ArchiveWriter = std::unique_ptr<archive, FreeWriter>;
using ArchiveReader = std::unique_ptr<archive, FreeReader>;
using ArchiveEntry = std::unique_ptr<archive_entry, FreeEntry>;

}  // namespace lockstitch::sync
