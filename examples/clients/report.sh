#!/usr/bin/env bash
# Report a case, follow it, close it: with curl alone.
#
#   ZHIDA_URL=http://127.0.0.1:8750 ZHIDA_TOKEN=zhida_… examples/clients/report.sh MATTER PLACE
#
# MATTER is a code of the catalogue, PLACE a grid's code.
set -euo pipefail

URL="${ZHIDA_URL:-http://127.0.0.1:8750}"
TOKEN="${ZHIDA_TOKEN:?the token of a client}"
MATTER="${1:?a matter}"
PLACE="${2:?a place}"

# call METHOD PATH [BODY]: prints the answer; a problem goes to stderr and ends the script. The key makes
# a repeat after a broken connection harmless.
call() {
    local answer status
    answer="$(curl --silent --show-error --request "$1" "$URL$2" \
        --retry 3 --retry-connrefused \
        --header "Authorization: Bearer $TOKEN" \
        --header "Accept-Language: zh-CN" \
        --header "Content-Type: application/json" \
        --header "Idempotency-Key: $(head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n')" \
        ${3:+--data "$3"} --write-out '\n%{http_code}')"
    status="${answer##*$'\n'}"
    answer="${answer%$'\n'*}"
    if [ "$status" -ge 400 ]; then
        printf '%s\n' "$answer" >&2
        return 1
    fi
    printf '%s\n' "$answer"
}

# field NAME: a number or a text of the JSON on stdin. Enough for this; use jq where there is one.
field() {
    sed -n "s/.*\"$1\":\"\\{0,1\\}\\([^\",}]*\\).*/\\1/p"
}

reported="$(call POST /v1/cases "{\"matter\":\"$MATTER\",\"place\":\"$PLACE\",\"source\":\"resident\",
    \"text\":\"桥头路灯不亮，夜间行人看不清台阶。\",\"claimant\":{\"name\":\"张三\",\"phone\":\"13900000000\"}}")"
case_id="$(field case <<<"$reported")"
holder="$(field holder <<<"$reported")"
seq="$(field seq <<<"$reported")"
echo "案件 $case_id 已上报，责任单位 $holder"

call POST "/v1/cases/$case_id/acknowledge" "{\"by\":\"$holder\"}" >/dev/null
echo "已签收"
call POST "/v1/cases/$case_id/handle" "{\"by\":\"$holder\",\"measures\":\"已更换灯泡。\"}" >/dev/null
echo "已处置"
call POST "/v1/cases/$case_id/close" "{\"by\":\"$holder\",\"answer\":\"路灯已修好。\"}" >/dev/null
echo "已结案"

# The feed since the report: what others are told, without asking again and again.
followed="$(call GET "/v1/events?after=$((seq - 1))&wait=1")"
grep -o "\"type\":\"case\.[a-z_]*\",\"case\":$case_id\b" <<<"$followed" | sed 's/"type":"\([^"]*\)".*/  \1/'

status="$(call GET "/v1/cases/$case_id" | field status)"
echo "现在：$status"
[ "$status" = closed ]
