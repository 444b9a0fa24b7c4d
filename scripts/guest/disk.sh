# The root disk: a small Debian userland with PostgreSQL and its data directory. Sourced by scripts/build-guest.

libraries=usr/lib/x86_64-linux-gnu
server=usr/lib/postgresql/15

# make_tree FROM TO: what the guest uses of the extracted packages, in a tree with /usr merged.
make_tree() {
  local from=$1 to=$2 name applet
  mkdir -p "$to"/{dev,proc,sys,run,tmp,root,etc,var/lib/postgresql,usr/bin,usr/lib64,usr/share/postgresql,usr/share/lockstitch,$libraries,$server}
  for name in bin lib lib64; do ln -s "usr/$name" "$to/$name"; done
  ln -s usr/bin "$to/sbin"
  ln -s bin "$to/usr/sbin"
  ln -s /run "$to/var/run"

  cp "$from/bin/busybox" "$to/usr/bin/"
  for applet in $("$from/bin/busybox" --list); do
    [ "$applet" = busybox ] || ln -s busybox "$to/usr/bin/$applet"
  done

  mkdir "$to/$server/bin"
  for name in postgres initdb pg_ctl pg_controldata psql pg_isready pgbench; do
    cp "$from/$server/bin/$name" "$to/$server/bin/"
  done
  cp -r "$from/$server/lib" "$to/$server/lib"
  rm -rf "$to/$server/lib"/{bitcode,pgxs,llvmjit*}
  cp -r "$from/usr/share/postgresql/15" "$to/usr/share/postgresql/15"
  rm -rf "$to/usr/share/postgresql/15/man"
  # The server must know its own time zone; Debian's looks in the system's files.
  mkdir -p "$to/usr/share/zoneinfo/Etc"
  cp -L "$from/usr/share/zoneinfo/Etc/UTC" "$to/usr/share/zoneinfo/Etc/UTC"
  ln -s Etc/UTC "$to/usr/share/zoneinfo/UTC"

  copy_libraries "$from" "$to"
  cp -L "$from/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2" "$to/usr/lib64/"

  printf '%s\n' 'root:x:0:0:root:/root:/bin/sh' 'postgres:x:100:100:PostgreSQL:/var/lib/postgresql:/bin/sh' >"$to/etc/passwd"
  printf '%s\n' 'root:x:0:' 'postgres:x:100:' >"$to/etc/group"
  echo '127.0.0.1 localhost lockstitch' >"$to/etc/hosts"
  echo 'nameserver 10.0.2.3' >"$to/etc/resolv.conf"
  cp "$scripts/lockstitch-init" "$to/usr/bin/"
  cp "$scripts/check.sql" "$to/usr/share/lockstitch/"
  chmod -R u=rwX,go=rX "$to"
  chmod 755 "$to/usr/bin/busybox" "$to/usr/bin/lockstitch-init" "$to/$server/bin"/*
  chmod 1777 "$to/tmp"
}

# Libraries that the programs name, that those name, and so on; libgcc_s is loaded by name when a thread ends.
copy_libraries() {
  local from=$1 to=$2 name file todo
  todo=$(needed_libraries "$to/$server"/bin/* "$to/$server"/lib/*.so)
  todo+=" libgcc_s.so.1"
  while [ -n "$todo" ]; do
    local copied=()
    for name in $todo; do
      [ -e "$to/$libraries/$name" ] && continue
      for file in "$from/$libraries/$name" "$from/lib/x86_64-linux-gnu/$name" ''; do [ -e "$file" ] && break; done
      [ -n "$file" ] || die "no fetched package has the library $name: run apt-get update, then scripts/build-guest again"
      cp -L "$file" "$to/$libraries/$name"
      copied+=("$to/$libraries/$name")
    done
    todo=
    [ ${#copied[@]} -eq 0 ] || todo=$(needed_libraries "${copied[@]}")
  done
}
needed_libraries() { readelf -d "$@" 2>/dev/null | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort -u; }

# make_data_folder TREE WORK: runs the tree's own initdb. The host's C library runs it, the other libraries are the tree's.
make_data_folder() {
  local tree=$1 work=$2 folder=$2/pgdata run=() preload=$2/build_clock.so name
  cc -shared -fPIC -O1 -o "$preload" "$scripts/build_clock.c" -ldl || die "cannot compile scripts/guest/build_clock.c: install the package g++"
  mkdir "$folder" "$work/initdb" "$work/initdb/lib"
  for name in "$tree/$libraries"/*; do
    case ${name##*/} in
      ld-linux*|libc.so.6|libm.so.6|libresolv.so.2|libpthread.so.0|libdl.so.2|librt.so.1) ;;
      *) ln -s "$name" "$work/initdb/lib/" ;;
    esac
  done
  # initdb asks `locale -a` for collations; the guest has none but C.
  printf '#!/bin/sh\necho C\necho POSIX\n' >"$work/initdb/locale"
  chmod 755 "$work/initdb/locale"
  if [ "$(id -u)" -eq 0 ]; then
    chown 65534:65534 "$folder"
    run=(setpriv --reuid=65534 --regid=65534 --clear-groups)
  fi
  run+=(env -i PATH="$work/initdb:/usr/bin:/bin" TZ=GMT LC_ALL=C LOCKSTITCH_BUILD_TIME="$build_time"
    LD_LIBRARY_PATH="$work/initdb/lib" LD_PRELOAD="$preload")
  # initdb's log of its own writing holds stray bytes of its memory. After its clean end nobody needs that log.
  (cd "$folder" &&
    "${run[@]}" "$tree/$server/bin/initdb" -D "$folder" -A trust -U postgres --no-locale -E UTF8 --no-sync &&
    "${run[@]}" "$work/packages/$server/bin/pg_resetwal" -D "$folder") >"$work/initdb.log" 2>&1 ||
    { cat "$work/initdb.log" >&2; die "initdb failed, see above"; }
  cp "$scripts/postgresql.conf" "$scripts/pg_hba.conf" "$folder/"
  # Holds addresses of the process that wrote it; the server makes it again.
  find "$folder" -name pg_internal.init -delete
  mv "$folder" "$tree/var/lib/postgresql/data"
}

# make_disk TREE WORK OUTPUT
make_disk() {
  local tree=$1 preload=$2/build_clock.so output=$3
  truncate -s 400M "$output"
  fakeroot -- sh -ec '
    chown -R 0:0 "$1"
    chown -R 100:100 "$1/var/lib/postgresql"
    chmod 700 "$1/var/lib/postgresql/data"
    MKE2FS_CONFIG=$5/mke2fs.conf LD_PRELOAD="$3 $LD_PRELOAD" LOCKSTITCH_BUILD_TIME=$4 mke2fs -q -F -t ext4 -b 4096 -I 256 -N 8192 -m 0 -L lockstitch \
      -O none,has_journal,ext_attr,dir_index,filetype,extent,64bit,flex_bg,sparse_super,large_file,huge_file,dir_nlink,extra_isize,metadata_csum \
      -J size=16 -E lazy_itable_init=0,lazy_journal_init=0,hash_seed=5c0e3d52-6a0f-4f0e-9d2c-6c6f636b7374 \
      -U 6c6f636b-7374-4974-8368-677565737401 -d "$1" "$2"
  ' make_disk "$tree" "$output" "$preload" "$build_time" "$scripts" || die "mke2fs failed, see above"
}
