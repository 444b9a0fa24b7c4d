# Which Debian packages the guest is made of, and fetching them. Sourced by scripts/build-guest.

kernel_package() {
  apt-cache depends --important linux-image-cloud-amd64 2>/dev/null | awk '$1 == "Depends:" { print $2; exit }'
}

# Every library package that the roots need, however far away; not the tools, languages and set-up helpers they also
# depend on, and not LLVM, which only PostgreSQL's JIT uses.
library_packages() {
  local seen=" " todo=("$@") name found
  while [ ${#todo[@]} -gt 0 ]; do
    found=$(apt-cache depends --important "${todo[@]}" | awk '$1 ~ /^\|?(Pre)?Depends:$/ && $2 ~ /^(lib|zlib1g$)/ { print $2 }')
    todo=()
    for name in $(printf '%s\n' $found | grep -vE '^lib(llvm|perl|json-perl|.*-perl$)' | sort -u); do
      case $seen in *" $name "*) continue ;; esac
      seen+="$name "
      todo+=("$name")
    done
  done
  printf '%s\n' $seen
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
