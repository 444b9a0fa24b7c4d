# Installs what scripts/packages.txt lists and is not there yet. Sourced by the other scripts.

install_packages() {
  local here missing=() name
  here=$(dirname "${BASH_SOURCE[0]}")
  while read -r name; do
    dpkg-query -W -f='${Status}' "$name" 2>/dev/null | grep -q 'install ok installed' || missing+=("$name")
  done < <(grep -v '^#' "$here/packages.txt")
  if [ ${#missing[@]} -eq 0 ]; then
    echo "packages: all there"
    return
  fi
  local root=()
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
      echo "packages: these are missing and this user cannot install them; as root run: apt-get install ${missing[*]}" >&2
      exit 69
    fi
    root=(sudo)
  fi
  echo "packages: installing ${missing[*]}"
  "${root[@]}" apt-get update -qq
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}
