// See kernel_image.h.
#include "vmm/boot/kernel_image.h"

#include "vmm/boot/bzimage.h"
#include "vmm/boot/elf.h"
#include "vmm/boot/flat.h"
#include "vmm/boot/little_endian.h"
#include "vmm/boot/multiboot.h"
#include "vmm/boot/pvh.h"

namespace lockstitch::boot {

namespace {

const char* what_it_is_instead(Bytes image) {
  if (image.empty()) return "it is empty";
  if (is_elf(image)) return "it is an ELF file with neither a PVH note nor a Multiboot header";
  if (inside(0, 2, image.size()) && get<std::uint16_t>(image, 0) == 0x8b1f)
    return "it is compressed with gzip; unpack it first";
  if (inside(0, 2, image.size()) && get<std::uint16_t>(image, 0) == 0x5a4d) return "it is an EFI or Windows program";
  if (inside(510, 2, image.size()) && get<std::uint16_t>(image, 510) == 0xaa55)
    return "it looks like a boot sector; load it as a disk, or as a flat image";
  return "it has no Linux setup header, no PVH note and no Multiboot header";
}

}  // namespace

Result<KernelKind> recognise_kernel(Bytes image) {
  if (is_bzimage(image)) return KernelKind::bzimage;
  if (is_pvh(image)) return KernelKind::pvh;
  if (is_multiboot(image)) return KernelKind::multiboot;
  return Error{ExitCode::bad_input, std::string("the file is no kernel: ") + what_it_is_instead(image)};
}

Result<CpuState> load_kernel(GuestMemory& memory, const LoadRequest& request, KernelKind kind) {
  switch (kind) {
    case KernelKind::bzimage:
      return load_bzimage(memory, request);
    case KernelKind::pvh:
      return load_pvh(memory, request);
    case KernelKind::multiboot:
      return load_multiboot(memory, request);
    case KernelKind::flat:
      return load_flat(memory, request);
  }
  LS_ASSERT(false);
  return Error{};
}

}  // namespace lockstitch::boot
