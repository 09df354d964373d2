#!/bin/sh
# One call to each corner of a running gateway, with curl alone.
# TOOLGATE_URL=http://127.0.0.1:8642 examples/curl.sh
# It stops with an error at the first answer that is not what it should be.
set -eu
gateway=${TOOLGATE_URL:-http://127.0.0.1:8642}
key=${TOOLGATE_KEY:-none}

ask() { # ask WANTED CURL-ARGUMENTS…: shows the answer, which must contain WANTED
  wanted=$1
  shift
  answer=$(curl --silent --show-error --max-time 30 -H "X-API-Key: $key" "$@")
  printf '%s\n\n' "$answer" | cut -c 1-300
  case $answer in *"$wanted"*) ;; *) echo "expected: $wanted" >&2 && exit 1 ;; esac
}

json='Content-Type: application/json'
# A tool, as JSON and as a model would read it.
ask '18446744073709551616' "$gateway/tools/calculator" -H "$json" -d '{"expression":"2^64"}'
ask '42' "$gateway/tools/calculator" -H "$json" -H 'Accept: text/plain' -d '{"expression":"6*7"}'
# A misspelt argument is answered with the right one.
ask '"nearest":"expression"' "$gateway/tools/calculator" -H "$json" -d '{"expresion":"6*7"}'
# Which tools there are, and which one is for the weather (in any language).
ask '"weather_now"' "$gateway/registry"
ask '"weather_' "$gateway/registry/search" --get --data-urlencode 'q=天气'
# What to hand to a model, and what to import into a platform.
ask '"function":{"name":"calculator"' "$gateway/registry/openai?tools=calculator"
ask '"operationId":"calculator"' "$gateway/openapi.json"
