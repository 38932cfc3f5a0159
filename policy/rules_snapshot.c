/* SPDX-License-Identifier: Apache-2.0 */
/* Rules as bytes, in one form only, so that equal rules have equal hashes:
 *
 *   "WTRULES\n", version u16
 *
 *   site: relying party, assurance u8, audit required u8, throttle free u8,
 *         delays (u8 of them, u64 each), throttle max u64, recheck u64, tickets u8, recovery u8
 *
 *   station: name ("" = the host's), tags, fallback u8, session keys u8,
 *         max sessions u8, engine u8, lock u8, other seats u8
 *
 *   roles (u16 of them): name, groups, stations, hours (u8 of them: days u8, from u16, to u16),
 *         sign-in u8, grace u64, mode u8, cap u64, tap-out u8, walk-away u8, session cap u64,
 *         key models, approves u8, key attested u8, tickets u8, elevate max u64
 *
 *   places (u16): name, tags, idle lock u64, countdown u64, parked u64, session cap u64, inhibitors u8
 *
 *   services (u16): name, use u8, sign-in u8
 *
 *   exceptions (u16): name, owner, reason, until u64, groups, users, stations, services, sign-in u8
 *
 *   checks (u16): name, unit, max age u64, then u8, tags
 *
 *   break-glass: present u8; then minutes u16, groups, tags, reasons, reviewers u8, accounts, badge u8,
 *         recent u64, uses u8, drill u64, rotate u64
 *
 *   SHA-256 of everything before it
 *
 * Texts have a u16 length, lists of words a u8 count, times are microseconds, bools 0 or 1. What is read was
 * written by this program as root; it is checked as if it were not.
 *
 * Version 1 had no walk-away in its roles; it is read as "lock", which is the default, until the rules are
 * applied anew. Version 2 had no approvals: nobody approves anything by it; and no exceptions and no checks.
 * Versions 1 to 3 had no tickets: the site takes none, which is the default; neither the recovery nor the
 * longest time of an elevation, which are read as their defaults; and no break-glass: there is none by them.
 * Versions 1 to 4 had no other seats: what is open there stays, which is the default.
 */
#include "common/bytes.h"
#include "policy/rules_internal.h"

#include <errno.h>
#include <openssl/evp.h>

#define VERSION 5U
#define VERSION_WALK_AWAY 2U /* the first one that has it */
#define VERSION_APPROVES 3U  /* and all that came with it */
#define VERSION_TICKETS 4U
#define VERSION_BREAK_GLASS 4U
#define VERSION_OTHER_SEATS 5U
#define DIGEST_SIZE 32U

static const uint8_t magic[] = {'W', 'T', 'R', 'U', 'L', 'E', 'S', '\n'};

static int digest(const void *p, size_t n, uint8_t ret[DIGEST_SIZE]) {
        return EVP_Digest(p, n, ret, NULL, EVP_sha256(), NULL) == 1 ? 0 : -EIO;
}

/* --- writing */

static void write_words(struct writer *w, const struct words *list) {
        writer_u8(w, (uint8_t) list->n);
        for (size_t i = 0; i < list->n; i++)
                writer_string(w, list->words[i]);
}

static void write_site(struct writer *w, const struct rules *r) {
        writer_string(w, r->relying_party);
        writer_u8(w, (uint8_t) r->assurance);
        writer_u8(w, r->audit_required);
        writer_u8(w, (uint8_t) r->throttle_free);
        writer_u8(w, (uint8_t) r->n_throttle);
        for (size_t i = 0; i < r->n_throttle; i++)
                writer_u64(w, r->throttle_usec[i]);
        writer_u64(w, r->throttle_max_usec);
        writer_u64(w, r->recheck_usec);
        writer_u8(w, r->tickets);
        writer_u8(w, (uint8_t) r->recovery);
}

static void write_station(struct writer *w, const struct rules *r) {
        writer_string(w, r->station_from_host ? "" : r->station);
        write_words(w, &r->tags);
        writer_u8(w, (uint8_t) r->fallback);
        writer_u8(w, r->session_keys);
        writer_u8(w, (uint8_t) r->max_sessions);
        writer_u8(w, (uint8_t) r->switch_engine);
        writer_u8(w, (uint8_t) r->lock);
        writer_u8(w, (uint8_t) r->other_seats);
}

static void write_role(struct writer *w, const struct rule_role *role) {
        writer_string(w, role->name);
        write_words(w, &role->groups);
        write_words(w, &role->stations);
        writer_u8(w, (uint8_t) role->hours.n);
        for (size_t i = 0; i < role->hours.n; i++) {
                writer_u8(w, role->hours.spans[i].days);
                writer_u16(w, role->hours.spans[i].from);
                writer_u16(w, role->hours.spans[i].to);
        }
        writer_u8(w, (uint8_t) role->sign_in);
        writer_u64(w, role->grace_usec);
        writer_u8(w, (uint8_t) role->grace_mode);
        writer_u64(w, role->grace_cap_usec);
        writer_u8(w, (uint8_t) role->tap_out);
        writer_u8(w, (uint8_t) role->walk_away);
        writer_u64(w, role->session_cap_usec);
        write_words(w, &role->key_models);
        writer_u8(w, (uint8_t) role->approves);
        writer_u8(w, role->key_attested);
        writer_u8(w, role->tickets);
        writer_u64(w, role->elevate_max_usec);
}

static void write_place(struct writer *w, const struct rule_place *place) {
        writer_string(w, place->name);
        write_words(w, &place->tags);
        writer_u64(w, place->idle_lock_usec);
        writer_u64(w, place->idle_countdown_usec);
        writer_u64(w, place->parked_sign_out_usec);
        writer_u64(w, place->session_cap_usec);
        writer_u8(w, place->inhibitors);
}

static void write_exception(struct writer *w, const struct rule_exception *x) {
        writer_string(w, x->name);
        writer_string(w, x->owner);
        writer_string(w, x->reason);
        writer_u64(w, x->until_usec);
        write_words(w, &x->groups);
        write_words(w, &x->users);
        write_words(w, &x->stations);
        write_words(w, &x->services);
        writer_u8(w, (uint8_t) x->sign_in);
}

static void write_check(struct writer *w, const struct rule_check *c) {
        writer_string(w, c->name);
        writer_string(w, c->unit);
        writer_u64(w, c->max_age_usec);
        writer_u8(w, (uint8_t) c->then);
        write_words(w, &c->tags);
}

static void write_break_glass(struct writer *w, const struct rule_break_glass *b) {
        writer_u8(w, b->present);
        if (!b->present)
                return;
        writer_u16(w, (uint16_t) b->minutes);
        write_words(w, &b->groups);
        write_words(w, &b->tags);
        write_words(w, &b->reasons);
        writer_u8(w, (uint8_t) b->reviewers);
        write_words(w, &b->accounts);
        writer_u8(w, (uint8_t) b->badge);
        writer_u64(w, b->recent_strong_usec);
        writer_u8(w, (uint8_t) b->uses);
        writer_u64(w, b->drill_every_usec);
        writer_u64(w, b->rotate_every_usec);
}

static void write_all(struct writer *w, const struct rules *r) {
        writer_bytes(w, magic, sizeof(magic));
        writer_u16(w, VERSION);
        write_site(w, r);
        write_station(w, r);
        writer_u16(w, (uint16_t) r->n_roles);
        for (size_t i = 0; i < r->n_roles; i++)
                write_role(w, &r->roles[i]);
        writer_u16(w, (uint16_t) r->n_places);
        for (size_t i = 0; i < r->n_places; i++)
                write_place(w, &r->places[i]);
        writer_u16(w, (uint16_t) r->n_services);
        for (size_t i = 0; i < r->n_services; i++) {
                writer_string(w, r->services[i].name);
                writer_u8(w, (uint8_t) r->services[i].use);
                writer_u8(w, (uint8_t) r->services[i].sign_in);
        }
        writer_u16(w, (uint16_t) r->n_exceptions);
        for (size_t i = 0; i < r->n_exceptions; i++)
                write_exception(w, &r->exceptions[i]);
        writer_u16(w, (uint16_t) r->n_checks);
        for (size_t i = 0; i < r->n_checks; i++)
                write_check(w, &r->checks[i]);
        write_break_glass(w, &r->break_glass);
}

/* -EMSGSIZE when size bytes are not enough. */
static int write_sealed(const struct rules *r, size_t size, uint8_t **ret, size_t *ret_n) {
        _cleanup_(freep) uint8_t *buf = malloc(size);
        struct writer w = {.p = buf, .size = size - DIGEST_SIZE};
        size_t n;
        int e;
        if (!buf)
                return -ENOMEM;
        write_all(&w, r);
        if ((e = writer_end(&w, &n)) < 0 || (e = digest(buf, n, buf + n)) < 0)
                return e;
        *ret = TAKE_PTR(buf);
        *ret_n = n + DIGEST_SIZE;
        return 0;
}

int rules_write(const struct rules *r, uint8_t **ret, size_t *ret_n) {
        int e = -EMSGSIZE;
        for (size_t size = 16384; e == -EMSGSIZE && size <= RULES_SNAPSHOT_MAX; size *= 2)
                e = write_sealed(r, size, ret, ret_n);
        return e;
}

/* --- reading */

static int take_enum(struct bytes *b, unsigned max, void *ret) {
        uint8_t v;
        int e = bytes_take_u8(b, &v);
        if (e < 0)
                return e;
        if (v >= max)
                return -EBADMSG;
        *(unsigned *) ret = v;
        return 0;
}

static int take_time(struct bytes *b, uint64_t *ret) {
        uint64_t v;
        int e = bytes_take_u64(b, &v);
        if (e < 0)
                return e;
        if (v > RULES_TIME_MAX)
                return -EBADMSG;
        *ret = v;
        return 0;
}

static int take_factors(struct bytes *b, bool or_none, unsigned *ret) {
        unsigned v;
        int e = take_enum(b, UINT8_MAX + 1U, &v);
        if (e < 0)
                return e;
        if (!factors_are_valid(v) && !(or_none && v == 0))
                return -EBADMSG;
        *ret = v;
        return 0;
}

static int take_text(struct bytes *b, bool (*valid)(const char *), char **ret) {
        char buf[256];
        int e = bytes_take_string(b, buf, sizeof(buf));
        if (e < 0)
                return e;
        if (!valid(buf))
                return -EBADMSG;
        return (*ret = strdup(buf)) ? 0 : -ENOMEM;
}

static bool valid_or_empty(const char *s) {
        return !*s || name_is_valid(s);
}

static bool group_is_valid(const char *s) {
        return *s && text_is_clean(s, RULES_GROUP_MAX) && !strpbrk(s, "\",:");
}

static bool model_is_valid(const char *s) {
        return strlen(s) == 32 && strspn(s, "0123456789abcdef") == 32;
}

static int take_words(struct bytes *b, bool (*valid)(const char *), struct words *list) {
        uint8_t n;
        int e = bytes_take_u8(b, &n);
        for (size_t i = 0; e == 0 && i < n; i++) {
                _cleanup_(freep) char *word = NULL;
                if ((e = take_text(b, valid, &word)) == 0)
                        e = words_contain(list, word) ? -EBADMSG : words_add(list, word, strlen(word));
        }
        return e == -E2BIG ? -EBADMSG : e;
}

static int take_hours(struct bytes *b, struct hours *h) {
        uint8_t n;
        int e = bytes_take_u8(b, &n);
        if (e < 0 || n == 0)
                return e;
        if (n > RULES_SPANS_MAX)
                return -EBADMSG;
        if (!(h->spans = calloc(n, sizeof(*h->spans))))
                return -ENOMEM;
        for (; h->n < n; h->n++) {
                struct hours_span *s = &h->spans[h->n];
                if ((e = bytes_take_u8(b, &s->days)) < 0 || (e = bytes_take_u16(b, &s->from)) < 0 ||
                    (e = bytes_take_u16(b, &s->to)) < 0)
                        return e;
                if (s->days == 0 || s->days > ALL_DAYS || s->from >= MINUTES_PER_DAY ||
                    s->to > MINUTES_PER_DAY)
                        return -EBADMSG;
        }
        return 0;
}

static int take_site(struct bytes *b, unsigned version, struct rules *r) {
        unsigned n;
        int e;
        if ((e = take_text(b, domain_is_valid, &r->relying_party)) < 0 ||
            (e = take_enum(b, ASSURANCE_MAX, &r->assurance)) < 0 ||
            (e = bytes_take_bool(b, &r->audit_required)) < 0 ||
            (e = take_enum(b, UINT8_MAX + 1U, &r->throttle_free)) < 0 ||
            (e = take_enum(b, ELEMENTSOF(r->throttle_usec) + 1, &n)) < 0)
                return e;
        memset(r->throttle_usec, 0, sizeof(r->throttle_usec));
        for (r->n_throttle = 0; r->n_throttle < n; r->n_throttle++)
                if ((e = take_time(b, &r->throttle_usec[r->n_throttle])) < 0)
                        return e;
        if ((e = take_time(b, &r->throttle_max_usec)) < 0 || (e = take_time(b, &r->recheck_usec)) < 0)
                return e;
        if (version < VERSION_TICKETS)
                return 0;
        if ((e = bytes_take_bool(b, &r->tickets)) < 0)
                return e;
        return take_enum(b, RECOVERY_MAX, &r->recovery);
}

static int take_station(struct bytes *b, unsigned version, struct rules *r) {
        int e;
        if ((e = take_text(b, valid_or_empty, &r->station)) < 0 ||
            (e = take_words(b, name_is_valid, &r->tags)) < 0 ||
            (e = take_enum(b, FALLBACK_MAX, &r->fallback)) < 0 ||
            (e = bytes_take_bool(b, &r->session_keys)) < 0 ||
            (e = take_enum(b, UINT8_MAX + 1U, &r->max_sessions)) < 0 ||
            (e = take_enum(b, SWITCH_MAX, &r->switch_engine)) < 0 ||
            (e = take_enum(b, LOCK_MAX, &r->lock)) < 0 ||
            (version >= VERSION_OTHER_SEATS && (e = take_enum(b, OTHER_SEATS_MAX, &r->other_seats)) < 0))
                return e;
        r->station_from_host = !*r->station;
        return 0;
}

static int take_role(struct bytes *b, unsigned version, struct rule_role *role) {
        int e;
        if ((e = take_text(b, name_is_valid, &role->name)) < 0 ||
            (e = take_words(b, group_is_valid, &role->groups)) < 0 ||
            (e = take_words(b, name_is_valid, &role->stations)) < 0 ||
            (e = take_hours(b, &role->hours)) < 0 || (e = take_factors(b, false, &role->sign_in)) < 0 ||
            (e = take_time(b, &role->grace_usec)) < 0 ||
            (e = take_enum(b, GRACE_MODE_MAX, &role->grace_mode)) < 0 ||
            (e = take_time(b, &role->grace_cap_usec)) < 0 ||
            (e = take_enum(b, TAP_OUT_MAX, &role->tap_out)) < 0 ||
            (version >= VERSION_WALK_AWAY && (e = take_enum(b, WALK_AWAY_MAX, &role->walk_away)) < 0) ||
            (e = take_time(b, &role->session_cap_usec)) < 0)
                return e;
        if ((e = take_words(b, model_is_valid, &role->key_models)) < 0)
                return e;
        role->elevate_max_usec = RULES_ELEVATE_MAX;
        role->tickets = true;
        if (version < VERSION_APPROVES)
                return 0;
        if ((e = take_enum(b, 1U << APPROVE_ACTION_MAX, &role->approves)) < 0 ||
            (e = bytes_take_bool(b, &role->key_attested)) < 0)
                return e;
        if (version < VERSION_TICKETS)
                return 0;
        if ((e = bytes_take_bool(b, &role->tickets)) < 0)
                return e;
        return take_time(b, &role->elevate_max_usec);
}

static int take_place(struct bytes *b, struct rule_place *place) {
        int e;
        if ((e = take_text(b, name_is_valid, &place->name)) < 0 ||
            (e = take_words(b, name_is_valid, &place->tags)) < 0 ||
            (e = take_time(b, &place->idle_lock_usec)) < 0 ||
            (e = take_time(b, &place->idle_countdown_usec)) < 0 ||
            (e = take_time(b, &place->parked_sign_out_usec)) < 0 ||
            (e = take_time(b, &place->session_cap_usec)) < 0)
                return e;
        return bytes_take_bool(b, &place->inhibitors);
}

static int take_service(struct bytes *b, struct rule_service *service) {
        int e;
        if ((e = take_text(b, name_is_valid, &service->name)) < 0 ||
            (e = take_enum(b, SERVICE_USE_MAX, &service->use)) < 0)
                return e;
        return take_factors(b, true, &service->sign_in);
}

static int take_exception(struct bytes *b, struct rule_exception *x) {
        int e;
        if ((e = take_text(b, name_is_valid, &x->name)) < 0 ||
            (e = take_text(b, name_is_valid, &x->owner)) < 0 ||
            (e = take_text(b, reason_is_valid, &x->reason)) < 0 ||
            (e = bytes_take_u64(b, &x->until_usec)) < 0)
                return e;
        if (x->until_usec == 0 || x->until_usec > RULES_DATE_MAX)
                return -EBADMSG;
        if ((e = take_words(b, group_is_valid, &x->groups)) < 0 ||
            (e = take_words(b, name_is_valid, &x->users)) < 0 ||
            (e = take_words(b, name_is_valid, &x->stations)) < 0 ||
            (e = take_words(b, name_is_valid, &x->services)) < 0)
                return e;
        return take_factors(b, false, &x->sign_in);
}

static int take_check(struct bytes *b, struct rule_check *c) {
        int e;
        if ((e = take_text(b, name_is_valid, &c->name)) < 0 ||
            (e = take_text(b, unit_is_valid, &c->unit)) < 0 || (e = take_time(b, &c->max_age_usec)) < 0 ||
            (e = take_enum(b, CHECK_EFFECT_MAX, &c->then)) < 0)
                return e;
        return take_words(b, name_is_valid, &c->tags);
}

static int take_break_glass(struct bytes *b, struct rule_break_glass *g) {
        uint16_t minutes;
        int e = bytes_take_bool(b, &g->present);
        if (e < 0 || !g->present)
                return e;
        if ((e = bytes_take_u16(b, &minutes)) < 0 || (e = take_words(b, group_is_valid, &g->groups)) < 0 ||
            (e = take_words(b, name_is_valid, &g->tags)) < 0 ||
            (e = take_words(b, break_glass_reason_is_valid, &g->reasons)) < 0 ||
            (e = take_enum(b, (REVIEWER_CLINICAL | REVIEWER_SECURITY) + 1U, &g->reviewers)) < 0 ||
            (e = take_words(b, name_is_valid, &g->accounts)) < 0 ||
            (e = take_enum(b, BREAK_GLASS_BADGE_MAX, &g->badge)) < 0 ||
            (e = take_time(b, &g->recent_strong_usec)) < 0 || (e = take_enum(b, 21, &g->uses)) < 0 ||
            (e = take_time(b, &g->drill_every_usec)) < 0)
                return e;
        if (minutes == 0 || minutes > 720 || g->reviewers == 0 || g->uses == 0 ||
            (g->reasons.n != 0 && g->reasons.n != BREAK_GLASS_REASONS))
                return -EBADMSG;
        g->minutes = minutes;
        return take_time(b, &g->rotate_every_usec);
}

/* The count of a list, whose array is made. */
static int take_count(struct bytes *b, size_t max, size_t size, void *ret_array, size_t *ret_n) {
        uint16_t n;
        int e = bytes_take_u16(b, &n);
        if (e < 0)
                return e;
        if (n > max)
                return -EBADMSG;
        if (n > 0 && !(*(void **) ret_array = calloc(n, size)))
                return -ENOMEM;
        *ret_n = n; /* rules_free() takes those that were not reached, as they are all zero */
        return 0;
}

static int take_later_lists(struct bytes *b, struct rules *r) {
        int e = take_count(b, RULES_EXCEPTIONS_MAX, sizeof(*r->exceptions), &r->exceptions,
                           &r->n_exceptions);
        for (size_t i = 0; e == 0 && i < r->n_exceptions; i++)
                e = take_exception(b, &r->exceptions[i]);
        if (e == 0)
                e = take_count(b, RULES_CHECKS_MAX, sizeof(*r->checks), &r->checks, &r->n_checks);
        for (size_t i = 0; e == 0 && i < r->n_checks; i++)
                e = take_check(b, &r->checks[i]);
        return e;
}

static int take_lists(struct bytes *b, unsigned version, struct rules *r) {
        int e = take_count(b, RULES_ROLES_MAX, sizeof(*r->roles), &r->roles, &r->n_roles);
        for (size_t i = 0; e == 0 && i < r->n_roles; i++)
                e = take_role(b, version, &r->roles[i]);
        if (e == 0)
                e = take_count(b, RULES_PLACES_MAX, sizeof(*r->places), &r->places, &r->n_places);
        for (size_t i = 0; e == 0 && i < r->n_places; i++)
                e = take_place(b, &r->places[i]);
        if (e == 0)
                e = take_count(b, RULES_SERVICES_MAX, sizeof(*r->services), &r->services, &r->n_services);
        for (size_t i = 0; e == 0 && i < r->n_services; i++)
                e = take_service(b, &r->services[i]);
        return e < 0 || version < VERSION_APPROVES ? e : take_later_lists(b, r);
}

int rules_read(const void *p, size_t n, struct rules **ret) {
        uint8_t sum[DIGEST_SIZE], head[sizeof(magic)];
        uint16_t version;
        int e;
        if (n < DIGEST_SIZE || n > RULES_SNAPSHOT_MAX)
                return -EBADMSG;
        struct bytes b = {p, n - DIGEST_SIZE};
        if ((e = digest(b.p, b.n, sum)) < 0)
                return e;
        if (memcmp(sum, b.p + b.n, DIGEST_SIZE) != 0)
                return -EBADMSG;
        if ((e = bytes_take_copy(&b, head, sizeof(head))) < 0 || (e = bytes_take_u16(&b, &version)) < 0)
                return e;
        if (memcmp(head, magic, sizeof(magic)) != 0 || version == 0 || version > VERSION)
                return -EBADMSG;

        _cleanup_(rules_freep) struct rules *r = rules_new();
        if (!r)
                return -ENOMEM;
        if ((e = take_site(&b, version, r)) < 0 || (e = take_station(&b, version, r)) < 0 ||
            (e = take_lists(&b, version, r)) < 0 ||
            (version >= VERSION_BREAK_GLASS && (e = take_break_glass(&b, &r->break_glass)) < 0) ||
            (e = bytes_end(&b)) < 0)
                return e;
        hex_encode(sum, sizeof(sum), r->hash);
        *ret = TAKE_PTR(r);
        return 0;
}
