/* SPDX-License-Identifier: Apache-2.0 */
/* Fills a people.db with made-up people and badges: bench_fill PEOPLE_DB GROUP-ID FIRST BADGES PEOPLE
 * adds that many, with numbers from FIRST on. */
#include "common/bytes.h"
#include "common/socket.h"
#include "policy/store.h"

#include <inttypes.h>
#include <openssl/sha.h>
#include <stdio.h>

static int add_person(struct store *s, uint64_t i, uint64_t now, int64_t *ret_id) {
        struct store_person p = {.source = "station"};
        (void) snprintf(p.user, sizeof(p.user), "filler%" PRIu64, i);
        (void) snprintf(p.full_name, sizeof(p.full_name), "Filler %" PRIu64, i);
        int r = store_add_person(s, &p, now);
        if (r == 0)
                *ret_id = p.id;
        return r;
}

static int add_badge(struct store *s, int64_t person, uint64_t i, uint64_t now) {
        struct store_person holder;
        struct store_badge b = {.person = person,
                                .kind = "mifare-classic-1k",
                                .number_len = 4,
                                .source = "station",
                                .key_id = "00000000f111e500"};
        (void) SHA256((const uint8_t *) &i, sizeof(i), b.index);
        hex_encode(b.index, 4, b.token);
        return store_add_badge(s, &b, now, &holder);
}

static int fill(struct store *s, uint64_t first, uint64_t badges, uint64_t people, uint64_t now) {
        int64_t person = 0;
        int r = store_begin(s);
        for (uint64_t i = 0, n = 0; r == 0 && i < badges; i++) {
                if (i * people / badges >= n && n < people)
                        r = add_person(s, first + n++, now, &person);
                if (r == 0)
                        r = add_badge(s, person, first + i, now);
        }
        return r == 0 ? store_commit(s) : r;
}

int main(int argc, char **argv) {
        _cleanup_(store_closep) struct store *s = NULL;
        uint64_t gid, first, badges, people;
        if (argc != 6 || parse_u64(argv[2], UINT32_MAX, &gid) < 0 ||
            parse_u64(argv[3], 100000000, &first) < 0 || parse_u64(argv[4], 100000000, &badges) < 0 ||
            parse_u64(argv[5], 100000000, &people) < 0)
                return 2;
        int r = store_open_people(argv[1], true, (gid_t) gid, &s);
        if (r == 0)
                r = fill(s, first, badges, people, now_realtime_usec());
        if (r < 0)
                (void) fprintf(stderr, "bench_fill: %s\n", strerror(-r));
        return r < 0;
}
