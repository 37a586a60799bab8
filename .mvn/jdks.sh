# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# Sourced by ./mvnw and ./sysgenid: finds the JDKs that this project needs, without asking the user to set anything.
#
#   find_jdk MAJOR    prints the home of a JDK of exactly that major version, or fails
#
# Looked at, in this order: JAVA_HOME, the java and javac on PATH, /usr/lib/jvm, /opt, SDKMAN, ~/.jdks (IDEs).

jdk_major() { # HOME -> its major version, read from the release file (no JVM is started); fails for a JRE without javac
  [ -x "$1/bin/javac" ] && [ -r "$1/release" ] || return 1
  sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$1/release"
}

find_jdk() (
  set +f +e
  on_path=$(command -v javac 2>/dev/null) && on_path=$(readlink -f "$on_path") && on_path=${on_path%/bin/javac}
  for home in "${JAVA_HOME-}" "$on_path" \
    /usr/lib/jvm/* /opt/*jdk* /opt/java/* "${SDKMAN_DIR:-${HOME-}/.sdkman}"/candidates/java/* "${HOME-}"/.jdks/*; do # a system service has no HOME
    [ -n "$home" ] && [ "$(jdk_major "$home")" = "$1" ] && { printf '%s\n' "$home"; exit 0; }
  done
  exit 1
)

need_jdk25() { # exports JAVA_HOME, or says what to install
  if JAVA_HOME=$(find_jdk 25); then
    export JAVA_HOME
  else
    cat >&2 <<'EOT'
sysgenid: no JDK 25 found (looked at JAVA_HOME, PATH, /usr/lib/jvm, /opt, SDKMAN, ~/.jdks).
Install one, for example:
  apt install openjdk-25-jdk-headless        Debian 13+, Ubuntu 25.10+
  dnf install java-25-openjdk-devel          Fedora
  apt install temurin-25-jdk                 any Debian or Ubuntu, with the Adoptium repository
  sdk install java 25-tem                    SDKMAN, without root
or set JAVA_HOME to the JDK you have.
EOT
    return 1
  fi
}
