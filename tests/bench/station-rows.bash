# SPDX-License-Identifier: Apache-2.0
# The rows of the table that tests/bench/station prints, and what is bad about them. Sourced by station.bash, in a folder
# with, for each row, ROW.usec, ROW.kb and ROW.code of so many rounds, a line each, and ROW.trips of the last.
# shellcheck shell=bash disable=SC2154

median() { sort -n "$1" | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }
# whole ROW: each round was let in, and measured.
whole() {
        [ "$(grep -cx PAM_SUCCESS "$1.code" 2>/dev/null)" = "$rounds" ] && [ "$(grep -c . "$1.usec")" = "$rounds" ] &&
                [ "$(grep -c . "$1.kb")" = "$rounds" ]
}
# row ROW NAME: one line; 1 where a round of it failed.
row() {
        local row=$1 name=$2 permit
        if ! whole "$row"; then
                printf '%-34s %s\n' "$name" "failed: $(sort "$row.code" 2>/dev/null | uniq -c | paste -sd,) of $rounds"
                sed 's/^/  | /' "$row.said" 2>/dev/null || true
                return 1
        fi
        permit=$(median permit.kb)
        sort -n "$row.usec" | awk -v name="$name" -v kb="$(median "$row.kb")" -v permit="$permit" -v trips="$(cat "$row.trips")" \
                '{v[NR] = $1 / 1000}
                 END {printf "%-34s %8.1f %8.1f %8.1f   %6d  %+6d   %s\n", name, v[int((NR + 1) / 2)], v[int(NR * 0.9 + 0.999)], v[NR],
                      kb, kb - permit, trips == "" ? "none" : split(trips, t, " ") ": " trips}'
}
# not_slower ROW RIVAL: by their medians; else 1, and says so.
not_slower() {
        local ours theirs
        whole "$1" && whole "$2" || return 0 # said by row
        ours=$(median "$1.usec") theirs=$(median "$2.usec")
        [ "$ours" -le "$theirs" ] || {
                echo "SLOWER: $1 took $((ours - theirs)) us more than $2"
                return 1
        }
}
