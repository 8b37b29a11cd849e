#!/usr/bin/env bash
# Every grant and endpoint with curl, and jq to read the answers.
set -euo pipefail
# Secrets go through a file descriptor, so that they are in no process list.
as_service() { curl --silent --config <(printf 'user = "%s:%s"\n' "$CLIENT_ID" "${1:-$CLIENT_SECRET}") "${@:2}"; }
introspection_endpoint=$ISSUER/oauth2/introspect
revocation_endpoint=$ISSUER/oauth2/revoke

# A service, for itself.
get_token() {
  as_service "$1" "$TOKEN_ENDPOINT" -d grant_type=client_credentials --data-urlencode "resource=$AUDIENCE" --data-urlencode "scope=$SCOPE"
}
own=$(get_token "$CLIENT_SECRET" | jq --raw-output .access_token)
api=$(curl --silent --output /dev/null --write-out '%{http_code}' --header @<(echo "Authorization: Bearer $own") "$API_URL")
introspected=$(as_service "$CLIENT_SECRET" "$introspection_endpoint" --data-urlencode token@<(printf %s "$own") | jq .active)

# An app, for its user.
login=$(curl --silent "$TOKEN_ENDPOINT" -d grant_type=password -d client_id="$PUBLIC_CLIENT_ID" --data-urlencode "resource=$AUDIENCE" \
  --data-urlencode "scope=$SCOPE" --data-urlencode "username=$USERNAME" --data-urlencode password@<(printf %s "$PASSWORD"))
refresh() {
  curl --silent "$TOKEN_ENDPOINT" -d grant_type=refresh_token -d client_id="$PUBLIC_CLIENT_ID" --data-urlencode refresh_token@<(printf %s "$1")
}
refreshed=$(refresh "$(jq --raw-output .refresh_token <<<"$login")")
last=$(jq --raw-output .refresh_token <<<"$refreshed")
revocation=$(curl --silent --output /dev/null --write-out '%{http_code}' "$revocation_endpoint" -d client_id="$PUBLIC_CLIENT_ID" \
  --data-urlencode token@<(printf %s "$last"))

# Refusals are JSON with an error code.
bad_secret=$(get_token wrong | jq --raw-output .error)
dead_refresh=$(refresh "$last" | jq --raw-output .error)

jq --null-input --compact-output --arg own "$own" --argjson login "$login" --argjson refreshed "$refreshed" --argjson api "$api" \
  --argjson introspected "$introspected" --arg revocation "$revocation" --arg bad_secret "$bad_secret" --arg dead_refresh "$dead_refresh" \
  '{client_credentials: $own, password: ($login | {access_token, refresh_token}), refresh: ($refreshed | {access_token, refresh_token}),
    api: $api, revoked: ($revocation == "200"), introspected: $introspected, bad_secret: $bad_secret, dead_refresh: $dead_refresh}'
