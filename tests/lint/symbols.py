"""Pure libraries stay pure: no clock, I/O, environment or random source. Usage: symbols.py NM BUILD_FOLDER"""
import glob
import os
import re
import subprocess
import sys

import tree

DENIED = re.compile(r"""
    time|clock|clock_gettime|clock_getres|gettimeofday|timespec_get|nanosleep|clock_nanosleep|u?sleep|alarm|timer_.*
  | (secure_)?getenv|setenv|putenv|environ
  | (f|fd|fre)?open(at|dir)?|creat|p?read|readv|p?write|writev|fread|fwrite|fgets|getline|getdelim|getchar|mmap
  | v?printf|puts|putchar|perror|stdin|stdout|stderr
  | mkd?s?temp|tmpfile|rename|unlink|remove|mkdir|rmdir|stat|lstat|fstat|truncate|ftruncate|fsync|fdatasync
  | socket(pair)?|bind|listen|accept4?|connect|send(to|msg|mmsg)?|recv(from|msg|mmsg)?|poll|ppoll|select|epoll_.*
  | getaddrinfo|gethostby.*|getnameinfo|res_.*
  | s?rand(_r|om|om_r)?|[dejlmn]rand48|arc4random.*|getrandom|getentropy|randombytes.*
  | fork|vfork|exec.*|posix_spawn.*|system|popen|kill|signal|sigaction|pthread_create
  | zmq_.*|zsock_.*|event_.*|evbuffer_.*|evhttp_.*|curl_.*|PQ.*|mdb_.*|ares_.*
""", re.VERBOSE)


def undefined(nm, library):
    """(member, symbol) of everything a library wants from outside."""
    member = ""
    for line in subprocess.run([nm, "-u", library], capture_output=True, text=True, check=True).stdout.splitlines():
        if line.endswith(":"):
            member = line[:-1]
        elif line.strip():
            symbol = line.split()[-1].split("@")[0]
            # __read_chk and open64 are read and open
            yield member, re.sub(r"^__(\w+)_chk$", r"\1", symbol).removesuffix("64")


def main():
    nm, build = sys.argv[1:]
    libraries = sorted(glob.glob(os.path.join(build, "**", "lib*_core.a"), recursive=True))
    libraries += glob.glob(os.path.join(build, "common", "base", "libtip_base.a"))
    faults = [f"{os.path.basename(library)}({member}): uses {symbol}"
              for library in libraries for member, symbol in undefined(nm, library) if DENIED.fullmatch(symbol)]
    if not libraries:
        faults.append(f"no library found in {build}")
    tree.finish(faults)


main()
