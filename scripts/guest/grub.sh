# Disks and CDs that firmware boots. Sourced by scripts/build-pc-media.

grub=/usr/lib/grub
grub_modules=(part_msdos part_gpt ext2 iso9660 normal configfile linux search search_label serial terminal echo test sleep
  halt reboot minicmd)
esp_sectors=32768 first_sector=2048  # Unit: 512 bytes

# What GRUB does on the disk: both consoles show the menu, and both can choose.
disk_menu() {
  cat <<'END'
serial --unit=0 --speed=115200
terminal_input console serial
terminal_output console serial
set timeout=2
set default=0
menuentry "Debian with PostgreSQL" {
  linux /boot/vmlinuz console=tty0 console=ttyS0 root=LABEL=lockstitch panic=-1
  initrd /boot/initrd.img
}
menuentry "Debian, SQL and off" {
  linux /boot/vmlinuz console=tty0 console=ttyS0 root=LABEL=lockstitch panic=-1 lockstitch.sql=1 lockstitch.poweroff=1
  initrd /boot/initrd.img
}
menuentry "Debian, userland and off" {
  linux /boot/vmlinuz console=tty0 console=ttyS0 panic=-1 lockstitch.stop=userland
  initrd /boot/initrd.img
}
END
}

cd_menu() {
  cat <<'END'
serial --unit=0 --speed=115200
terminal_output console serial
set timeout=-1
menuentry "Say one" {
  echo LOCKSTITCH-ONE
  sleep 1
}
menuentry "Say two" {
  echo LOCKSTITCH-TWO
  sleep 1
}
menuentry "Debian from CD, userland and off" {
  linux /boot/vmlinuz console=tty0 console=ttyS0 panic=-1 lockstitch.stop=userland
  initrd /boot/initrd.img
}
menuentry "Memory test" {
  linux /boot/memtest
}
menuentry "Off" {
  halt
}
END
}

installer_menu() {
  cat <<'END'
serial --unit=0 --speed=115200
terminal_output console serial
set timeout=-1
menuentry "Text" {
  linux /text/linux console=ttyS0 console=tty0 nomodeset vga=normal fb=false priority=low
  initrd /text/initrd.gz
}
menuentry "Graphics" {
  insmod all_video
  set gfxpayload=1024x768
  linux /gtk/linux console=ttyS0 console=tty0 vga=788 priority=low
  initrd /gtk/initrd.gz
}
menuentry "32 bits" {
  linux /i386/linux console=ttyS0 console=tty0 nomodeset vga=normal fb=false priority=low
  initrd /i386/initrd.gz
}
END
}

debian_menu() {
  cat <<'END'
serial --unit=0 --speed=115200
terminal_input console serial
terminal_output console serial
set timeout=2
menuentry "Debian" {
  linux /vmlinuz console=tty0 console=ttyS0 root=LABEL=lockstitch ro panic=-1 nomodeset
  initrd /initrd.img
}
END
}

# make_guest_system FILE_SYSTEM FILES WORK OUTPUT: the test guest's file system with FILES in /boot.
make_guest_system() {
  local system=$4 files=$2 work=$3
  cp --sparse=always "$1" "$system"
  disk_menu >"$work/grub.cfg"
  find "$work/grub.cfg" "$files" -exec touch -h -d "@$build_time" {} +
  {
    echo 'mkdir /boot'
    echo 'mkdir /boot/grub'
    echo "write $work/grub.cfg /boot/grub/grub.cfg"
    for file in "$files"/*; do echo "write $file /boot/$(basename "$file")"; done
  } | debugfs -w -f - "$system" >"$work/debugfs.log" 2>&1 || { cat "$work/debugfs.log" >&2; die "debugfs failed, see above"; }
}

# make_debian_system WORK OUTPUT: what debootstrap installs, with a password-less root. Needs root.
make_debian_system() {
  local tree=$1/debian output=$2
  debootstrap --variant=minbase --include=linux-image-amd64,systemd-sysv,udev,initramfs-tools,zstd,login \
    bookworm "$tree" "$(debian_mirror)" >"$1/debootstrap.log" 2>&1 || { tail -20 "$1/debootstrap.log" >&2; die "debootstrap failed, see above"; }
  rm -rf "$tree"/var/cache/apt/archives/*.deb "$tree"/var/lib/apt/lists/* "$tree"/usr/share/{doc,locale,man}
  echo 'LABEL=lockstitch / ext4 errors=remount-ro 0 1' >"$tree/etc/fstab"
  echo lockstitch >"$tree/etc/hostname"
  sed -i 's/^root:[^:]*:/root::/' "$tree/etc/shadow"
  # initramfs-tools has put the drivers of all disks into it.
  mkdir -p "$tree/boot/grub"
  debian_menu >"$tree/boot/grub/grub.cfg"
  truncate -s 1400M "$output"
  mke2fs -q -F -t ext4 -m 0 -L lockstitch -d "$tree" "$output"
}
debian_mirror() {
  awk '$1 == "URIs:" { print $2; exit } $1 == "deb" { for (i = 2; i <= NF; i++) if ($i ~ /^http/) { print $i; exit } }' \
    /etc/apt/sources.list.d/*.sources /etc/apt/sources.list 2>/dev/null
}

# make_pc_disk SYSTEM WORK OUTPUT: GRUB for BIOS and UEFI, and the file system as the second partition.
make_pc_disk() {
  local system=$1 work=$2 output=$3 esp=$2/esp.img sectors core
  sectors=$(($(stat -c %s "$system") / 512))
  grub-mkimage -O i386-pc -p '(hd0,msdos2)/boot/grub' -o "$work/core.img" biosdisk "${grub_modules[@]}"
  core=$((($(stat -c %s "$work/core.img") + 511) / 512))
  [ $core -lt $first_sector ] || die "GRUB's core needs $core sectors, and there are $first_sector"
  echo 'search --label lockstitch --set root
set prefix=($root)/boot/grub
configfile $prefix/grub.cfg' >"$work/early.cfg"
  grub-mkimage -O x86_64-efi -p /boot/grub -c "$work/early.cfg" -o "$work/bootx64.efi" "${grub_modules[@]}" efi_gop
  touch -d "@$build_time" "$work/bootx64.efi"
  truncate -s $((esp_sectors * 512)) "$esp"
  SOURCE_DATE_EPOCH=$build_time mformat -i "$esp" -N 4c535445 -h 64 -s 32 -T $esp_sectors ::
  SOURCE_DATE_EPOCH=$build_time mmd -i "$esp" ::EFI ::EFI/BOOT
  SOURCE_DATE_EPOCH=$build_time mcopy -m -i "$esp" "$work/bootx64.efi" ::EFI/BOOT/BOOTX64.EFI

  truncate -s $(((first_sector + esp_sectors + sectors) * 512)) "$output"
  sfdisk -q "$output" <<END
label: dos
label-id: 0x4c535443
start=$first_sector, size=$esp_sectors, type=ef
start=$((first_sector + esp_sectors)), size=$sectors, type=83, bootable
END
  # GRUB's own defaults: its core lies right behind the boot sector.
  dd if="$grub/i386-pc/boot.img" of="$output" bs=440 count=1 conv=notrunc status=none
  dd if="$work/core.img" of="$output" bs=512 seek=1 conv=notrunc status=none
  dd if="$esp" of="$output" bs=1M seek=$((first_sector / 2048)) conv=notrunc,sparse status=none
  dd if="$system" of="$output" bs=1M seek=$(((first_sector + esp_sectors) / 2048)) conv=notrunc,sparse status=none
}

# make_grub_cd MENU TREE WORK OUTPUT: for BIOS and UEFI.
make_grub_cd() {
  local tree=$2
  mkdir -p "$tree/boot/grub"
  $1 >"$tree/boot/grub/grub.cfg"
  SOURCE_DATE_EPOCH=$build_time grub-mkrescue -o "$4" "$tree" -- -volid LOCKSTITCH >"$3/mkrescue.log" 2>&1 ||
    { cat "$3/mkrescue.log" >&2; die "grub-mkrescue failed, see above"; }
}
