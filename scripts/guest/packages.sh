# Which Debian packages the guest is made of, and fetching them. Sourced by scripts/build-guest.

kernel_package() {
  apt-cache depends --important linux-image-cloud-amd64 2>/dev/null | awk '$1 == "Depends:" { print $2; exit }'
}

# Every library package that the roots need, however far away; not the tools, languages and set-up helpers they also
# depend on, and not LLVM, which only PostgreSQL's JIT uses.
library_packages() {
  apt-cache depends --recurse --important "$@" | awk -v roots="$*" '
    /^[^ <]/ { owner = $1 }
    $1 ~ /^\|?(Pre)?Depends:$/ && $2 ~ /^(lib|zlib1g$)/ && $2 !~ /^lib(llvm|perl|.*-perl$)/ { needs[owner] = needs[owner] " " $2 }
    END {
      count = split(roots, todo, " ")
      for (i = 1; i <= count; i++) {
        found = split(needs[todo[i]], names, " ")
        for (n = 1; n <= found; n++) if (!(names[n] in seen)) { seen[names[n]]; todo[++count] = names[n]; print names[n] }
      }
    }'
}

# Lines `URL FILE SIZE SHA256:sum`: exactly one version of each package, the one this machine would install.
package_uris() {
  apt-get download --print-uris "$@" | tr -d "'" | sort -k2
}

# fetch_packages FOLDER <uris: what is missing or broken in FOLDER comes from the mirror, and is checked.
fetch_packages() {
  local folder=$1 uri file size sum name missing=()
  mkdir -p "$folder"
  while read -r uri file size sum; do
    if ! echo "${sum#*:}  $folder/$file" | "$(tr 'A-Z' 'a-z' <<<"${sum%%:*}")sum" --status -c - 2>/dev/null; then
      name=${file%%_*}
      missing+=("$name")
    fi
  done
  [ ${#missing[@]} -eq 0 ] && return
  echo "guest: fetching ${#missing[@]} packages"
  (cd "$folder" && apt-get download -qq -o APT::Sandbox::User="$(id -un)" "${missing[@]}")
}
