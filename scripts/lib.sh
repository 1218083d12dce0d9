# What the scripts share; sourced, not run: where the tree is, how to speak, how to install Debian packages, how to build.
# Nothing here needs more than a fresh Debian 12 has. Messages go to stderr, so that stdout stays the script's own.

set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
build=$root/build
jobs=$(nproc 2>/dev/null || echo 2)

# HOME may be unset (services, containers); ccache keeps its cache there, or in the tree where it may not write.
if [[ -z ${HOME:-} ]]; then HOME=$(getent passwd "$(id -u)" | cut -d: -f6); fi
if [[ -z $HOME || ! -w $HOME ]]; then
  HOME=$root/.cache
  mkdir -p "$HOME"
fi
export HOME CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=1 CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime  # a clone elsewhere finds what this one compiled

if [[ -t 2 && -z ${NO_COLOR:-} ]]; then bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' plain=$'\e[0m'; else bold="" dim="" red="" plain=""; fi
say() { echo "${bold}==>${plain} $*" >&2; }
die() {  # die MESSAGE [HINT]
  echo "${red}error:${plain} $1" >&2
  if [[ -n ${2:-} ]]; then echo "hint: $2" >&2; fi
  exit 1
}

# The comment at the top of a script is its help.
help_of() { sed -n '2,/^$/{/^#/!q;s/^# \{0,1\}//;p}' "$1"; }

# packages_for PURPOSE…: what scripts/deps.txt lists for these purposes.
packages_for() {
  local purpose package
  while read -r purpose package; do
    if [[ " $* " == *" $purpose "* ]]; then echo "$package"; fi
  done <"$root/scripts/deps.txt" | sort -u
}

# npm also comes inside the nodejs package of others, which the Debian package of that name would break.
installed() { [[ $(dpkg-query -W -f='${db:Status-Status}\n' "$1" 2>/dev/null) == installed* || ($1 == npm && -n $(command -v npm)) ]]; }

as_root() { if [[ $(id -u) == 0 ]]; then "$@"; else sudo "$@"; fi; }

# need PURPOSE…: installs what is missing, and touches neither the network nor root's rights when nothing is.
need() {
  local missing=() package
  for package in $(packages_for "$@"); do
    installed "$package" || missing+=("$package")
  done
  if [[ ${#missing[@]} == 0 ]]; then return; fi

  local install="apt-get install --no-install-recommends ${missing[*]}"
  command -v apt-get >/dev/null || die "these Debian packages are missing: ${missing[*]}" "Remit is built on Debian 12"
  if [[ $(id -u) != 0 ]] && ! command -v sudo >/dev/null; then die "packages are missing, and only root can install them" "as root: $install"; fi
  say "installing ${#missing[@]} Debian packages: ${missing[*]}"
  # The tests start throw-away servers of their own: no cluster of the machine's is made when PostgreSQL arrives with us.
  if ! installed postgresql-common && [[ ! -e /etc/postgresql-common/createcluster.conf ]]; then
    as_root mkdir -p /etc/postgresql-common
    echo "create_main_cluster = false" | as_root tee /etc/postgresql-common/createcluster.conf >/dev/null
  fi
  local log apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3)
  log=$(mktemp)
  if ! as_root "${apt[@]}" update >"$log" 2>&1 </dev/null ||
     ! as_root "${apt[@]}" -o Dpkg::Options::=--force-confold --no-install-recommends install "${missing[@]}" >"$log" 2>&1 </dev/null; then
    tail -n 20 "$log" >&2
    rm -f "$log"
    die "the packages could not be installed" "$install"
  fi
  rm -f "$log"
}

# configure PRESET [cmake arguments…]
configure() {
  local log
  log=$(mktemp)
  if ! cmake -S "$root" --preset "$@" >"$log" 2>&1 </dev/null; then
    cat "$log" >&2
    rm -f "$log"
    die "CMake could not configure preset \`$1\`"
  fi
  rm -f "$log"
}

# compile FOLDER [targets…]: on a terminal ninja's own line; elsewhere a line now and then, and whatever goes wrong.
compile() {
  local folder=$1
  shift
  if [[ -t 2 ]]; then
    ninja -C "$folder" -j "$jobs" "$@" </dev/null >&2 && return
  else
    NINJA_STATUS='[%f/%t] ' ninja -C "$folder" -j "$jobs" "$@" </dev/null 2>&1 | awk '
      /^ninja: (Entering|no work)/ { next }
      /^\[[0-9]+\/[0-9]+\] / {
        split(substr($1, 2, length($1) - 2), step, "/")
        if (step[2] > 2 && (step[1] == step[2] || step[1] % 10 == 0 && step[1] > 0)) { print "    " step[1] " of " step[2] " steps"; fflush() }
        next
      }
      { print; fflush() }' >&2 && return
  fi
  die "the build failed"
}
