#!/bin/sh
# Alertmanager reads the bot's token from a file, but the chat only from its configuration: the chat is written into a copy.
#   ALERT_TELEGRAM_CHAT_ID     the chat's number, negative for a group
#   ALERT_TELEGRAM_TOKEN_FILE  a file with the bot's token
# Arguments are handed on.
set -eu

fail() {
  echo "alertmanager: $*" >&2
  exit 78
}

chat=${ALERT_TELEGRAM_CHAT_ID:-}
case ${chat#-} in
'' | *[!0-9]*) fail "ALERT_TELEGRAM_CHAT_ID must be the number of a Telegram chat, such as 123456 or -1001234567890; it is '$chat'" ;;
esac

token=${ALERT_TELEGRAM_TOKEN_FILE:-/run/secrets/alertmanager_telegram_bot_token}
[ -s "$token" ] || fail "no bot token in $token; mount a file with it"

configuration=${TMPDIR:-/tmp}/alertmanager.yml
sed -e "s|chat_id: .*|chat_id: $chat|" -e "s|bot_token_file: .*|bot_token_file: $token|" \
  "${ALERTMANAGER_CONFIGURATION:-/etc/alertmanager/alertmanager.yml}" >"$configuration"
exec "${ALERTMANAGER:-/bin/alertmanager}" --config.file="$configuration" --storage.path=/alertmanager "$@"
