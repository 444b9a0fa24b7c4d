# Kernel and initramfs. Sourced by scripts/build-guest.

# In the order in which they are loaded, dependencies before them.
guest_modules=(crc32c_generic crc32c-intel virtio_pci virtio_blk virtio_net virtio-rng virtio_console ext4)

# make_initramfs KERNEL_TREE BUSYBOX OUTPUT
make_initramfs() {
  local tree=$1 busybox=$2 output=$3 version folder root module path one
  version=$(basename "$tree"/lib/modules/*)
  folder=$tree/lib/modules/$version
  [ -s "$folder/modules.dep" ] || depmod -b "$tree" "$version"
  root=$tree/initramfs
  mkdir -p "$root"/{bin,dev,proc,sys,root,lib/modules}
  for module in "${guest_modules[@]}"; do
    grep -q "/$module\.ko\$" "$folder/modules.builtin" && continue
    path=$(grep -E "^[^:]*/$module\.ko:" "$folder/modules.dep") || die "kernel $version has no module $module: choose another kernel package"
    # `module: a b c` means that c is loaded first, then b, a and the module.
    for one in $(tr ' ' '\n' <<<"${path/:/}" | grep . | tac); do
      module=$(basename "$one")
      [ -e "$root/lib/modules/$module" ] && continue
      cp "$folder/$one" "$root/lib/modules/$module"
      echo "$module" >>"$root/lib/modules/order"
    done
  done
  cp "$busybox" "$root/bin/busybox"
  cp "$scripts/init" "$root/init"
  chmod -R u=rwX,go=rX "$root"
  chmod 755 "$root/init" "$root/bin/busybox"
  find "$root" -exec touch -h -d "@$build_time" {} +
  (cd "$root" && find . | LC_ALL=C sort | cpio -o -H newc -R 0:0 --reproducible --quiet) >"$output"
}
