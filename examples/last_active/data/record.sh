#!/bin/bash
# Records access.log.gz beside this script: what a real nginx logs, in its combined format, under a bounded load on the
# loopback interface. Wants nginx, wrk, curl and openssl. Takes about half a minute; stops what it started.
#
#   record.sh [OUTPUT.gz]
#
# In the log: users by basic authentication (also such that are refused, and names with spaces, brackets, quotes and
# UTF-8), visitors without a name from many addresses, broken requests, and two time zones (the server is restarted).
set -euo pipefail
out=$(realpath -m "${1:-$(dirname "$0")/access.log.gz}")
seconds=${SECONDS_PER_ZONE:-10}
dir=$(mktemp -d)
port=18080
server=
stop() {
  if [ -n "$server" ]; then kill -QUIT "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; fi
  server=
}
trap 'stop; rm -rf "$dir"' EXIT
chmod 755 "$dir"
mkdir "$dir/www" "$dir/tmp"
for size in 100 2000 30000; do head -c $size /dev/zero | tr '\0' 'x' > "$dir/www/page$size.html"; done

names=(alice bob carol 'anna lena' 'jörg' 'o"neil' 'back\slash' 'br[ack]et')
for n in $(seq 1 150); do names+=("user$n"); done
: > "$dir/passwords"
{
  echo 'local tokens = {'
  for name in "${names[@]}"; do
    printf '%s:{PLAIN}secret\n' "$name" >> "$dir/passwords"
    printf '"%s",\n' "$(printf '%s:secret' "$name" | openssl base64 -A)"
  done
  printf '"%s"}\n' "$(printf 'mallory:guess' | openssl base64 -A)"
} > "$dir/load.lua"
cat >> "$dir/load.lua" <<'LUA'
local agents = {"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
  "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5",
  "curl/8.5.0", 'say "hello" agent \\', "feed reader (+https://example.org/bot)"}
local pages = {"/page100.html", "/page2000.html", "/page30000.html", "/missing", "/search?q=a%20b&page=2", "/app/inbox"}
local referers = {nil, "https://example.org/start", "https://example.com/?q=%22x%22"}
math.randomseed(2)
function delay() return math.random(4, 24) end
function request()
  local h = {["User-Agent"] = agents[math.random(#agents)], ["Referer"] = referers[math.random(3)]}
  local far = math.random(3) == 1 and string.format("2001:db8::%x", math.random(400))
    or string.format("10.%d.%d.7", math.random(3), math.random(90))
  h["X-Forwarded-For"] = far
  if math.random(10) <= 7 then h["Authorization"] = "Basic " .. tokens[1 + math.floor(#tokens * math.random() ^ 2)] end
  return wrk.format("GET", pages[math.random(#pages)], h)
end
LUA
cat > "$dir/nginx.conf" <<CONF
daemon off;
worker_processes 1;
user $(id -un);
env TZ;
pid $dir/pid;
error_log $dir/error.log;
events { worker_connections 256; }
http {
  access_log $dir/access.log combined;
  client_body_temp_path $dir/tmp/1; proxy_temp_path $dir/tmp/2; fastcgi_temp_path $dir/tmp/3;
  uwsgi_temp_path $dir/tmp/4; scgi_temp_path $dir/tmp/5;
  set_real_ip_from 127.0.0.1;
  real_ip_header X-Forwarded-For;
  server {
    listen 127.0.0.1:$port;
    root $dir/www;
    location /app { auth_basic "app"; auth_basic_user_file $dir/passwords; try_files /page2000.html =404; }
  }
}
CONF

record_in_zone() {
  TZ=$1 nginx -p "$dir" -c "$dir/nginx.conf" &
  server=$!
  for _ in $(seq 50); do curl -so /dev/null "http://127.0.0.1:$port/page100.html" && break; sleep 0.1; done
  wrk -t1 -c12 -d"${seconds}s" -s "$dir/load.lua" "http://127.0.0.1:$port/" > "$dir/wrk.txt" &
  local load=$!
  for n in 2 3 4 5; do  # addresses of the loopback network's own
    curl -so /dev/null --interface "127.0.0.$n" "http://127.0.0.1:$port/page100.html"
    curl -so /dev/null --interface "127.0.0.$n" -u "user$n:secret" "http://127.0.0.1:$port/app/x"
  done
  for broken in '\x16\x03\x01garbage\r\n\r\n' 'GET / HTTP/9.9\r\n\r\n' '\r\n\r\n'; do
    { printf "$broken" >&3; timeout 1 cat <&3 > /dev/null || true; } 3<> "/dev/tcp/127.0.0.1/$port"
  done
  wait "$load"
  stop
}
record_in_zone UTC0
record_in_zone IST-5:30
gzip -9nc "$dir/access.log" > "$out"
echo "$(wc -l < "$dir/access.log") lines, $(stat -c %s "$out") bytes: $out"
