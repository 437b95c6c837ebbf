# Sourced by examples/quickstart.sh and tests/run.sh: Debian packages, and steps that are quiet unless they fail.

# say WORDS...: one line of progress.
say() { printf '\033[1m==>\033[0m %s\n' "$*" | if [ -t 1 ]; then cat; else sed 's/\x1b\[[0-9]*m//g'; fi; }

# quietly LOG COMMAND...: runs it with its output appended to LOG, and shows the log's end if it fails.
quietly() {
  local log=$1 status=0
  shift
  printf '\n$ %s\n' "$*" >> "$log"
  "$@" >> "$log" 2>&1 || status=$?
  if [ $status != 0 ]; then
    printf '\nfailed with status %s: %s\n' "$status" "$*" >&2
    tail -n 40 "$log" >&2
    printf '\nthe whole log: %s\n' "$log" >&2
  fi
  return $status
}

is_installed() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# need_packages LOG PACKAGE...: installs those that are missing, with apt, as root or through sudo.
need_packages() {
  local log=$1 package missing=() as_root=()
  shift
  if ! command -v dpkg-query > /dev/null; then
    say "not a Debian system: assuming that these are here under other names: $*"
    return 0
  fi
  for package in "$@"; do is_installed "$package" || missing+=("$package"); done
  if [ ${#missing[@]} = 0 ]; then return 0; fi
  if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo > /dev/null; then
      printf 'missing, and neither root nor sudo to install them: %s\n' "${missing[*]}" >&2
      return 1
    fi
    as_root=(sudo)
  fi
  say "installing with apt: ${missing[*]}"
  local apt=(${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive apt-get -o Dpkg::Use-Pty=0 -y)
  local install=("${apt[@]}" install --no-install-recommends "${missing[@]}")
  if ! "${install[@]}" >> "$log" 2>&1; then  # no package lists yet, or old ones
    quietly "$log" "${apt[@]}" update
    quietly "$log" "${install[@]}"
  fi
}
