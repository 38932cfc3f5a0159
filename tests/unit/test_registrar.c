/* SPDX-License-Identifier: Apache-2.0 */
/* What the registrar lets a ticket do: all of it at once for who has the code and the key, and nothing for
 * anybody else, whatever an attempt sends. Keys and signatures are made here. */
#include "helper/registrar/registrar.h"
#include "policy/fido.h"
#include "tests/virtual/key_core.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <cmocka.h>

#define NOW (UINT64_C(1795166502) * 1000000U)
#define HOUR (UINT64_C(3600) * 1000000U)
#define RP "wardtap.example.org"
#define ATTEMPT "00112233445566778899aabbccddeeff"

static struct {
        char dir[64], people[96], key_path[96];
        struct ticket_key key;
        struct rules *rules;
        struct store *store;
        struct registrar with;
        struct policy_clock clock;
        int64_t anna, ben;
        struct store_ticket ticket;
        struct ticket_code code;
        struct registrar_case about;
        struct registrar_message reply;
        /* records */
        enum record_event events[16];
        size_t n;
        size_t fail_at; /* the n-th record is not written, from 1 */
        size_t committed_at_record;
} w;

static int64_t count(const char *what) {
        struct store *s = NULL;
        int64_t n = 0;
        assert_int_equal(store_open_people(w.people, false, 0, &s), 0);
        struct store_person p;
        struct store_key keys[STORE_KEYS_MAX];
        size_t n_keys = 0;
        assert_int_equal(store_find_person(s, "anna", &p), 0);
        assert_int_equal(store_person_keys(s, p.id, keys, &n_keys), 0);
        if (strcmp(what, "keys") == 0) {
                n = (int64_t) n_keys;
        } else if (strcmp(what, "badges") == 0) {
                static const uint8_t index[STORE_INDEX_SIZE] = {7};
                const char *id = "0011223344556677";
                const uint8_t *i = index;
                struct store_badge b;
                n = store_find_badge(s, &id, &i, 1, &b, &p) == 0;
        } else {
                struct store_ticket t;
                assert_int_equal(store_find_ticket_by_id(s, w.ticket.id, &t), 0);
                n = t.used_usec != 0;
        }
        s = store_close(s);
        return n;
}

static int keep_record(void *userdata, const char *attempt, const struct record *r) {
        assert_string_equal(attempt, ATTEMPT);
        assert_true(w.n < ELEMENTSOF(w.events));
        w.events[w.n++] = r->event;
        if (r->event != RECORD_TICKET_REFUSED)
                w.committed_at_record += (size_t) (count("keys") + count("badges") + count("used"));
        return w.n == w.fail_at ? -ENOSPC : 0;
}

static int make_world(void **state) {
        static const char text[] = "[Site]\nRelyingParty=" RP "\nTickets=yes\n[Role n]\nGroups=n\n"
                                   "[Service lightdm]\nUse=sign-in\n";
        struct rules_errors errors;
        struct store_person p = {.user = "anna", .full_name = "Anna Berg"};
        memset(&w, 0, sizeof(w));
        (void) snprintf(w.dir, sizeof(w.dir), "/tmp/test-registrar.XXXXXX");
        if (!mkdtemp(w.dir) || chmod(w.dir, 0750) < 0)
                return -1;
        (void) snprintf(w.people, sizeof(w.people), "%s/people.db", w.dir);
        (void) snprintf(w.key_path, sizeof(w.key_path), "%s/ticket-key", w.dir);
        assert_int_equal(rules_parse_text("t", text, strlen(text), &w.rules, &errors), 0);
        rules_errors_clear(&errors);
        assert_int_equal(store_open_people(w.people, true, (gid_t) -1, &w.store), 0);
        assert_int_equal(store_add_person(w.store, &p, NOW), 0);
        w.anna = p.id;
        p = (struct store_person){.user = "ben", .full_name = "Ben Okoro"};
        assert_int_equal(store_add_person(w.store, &p, NOW), 0);
        w.ben = p.id;
        assert_int_equal(ticket_key_load(w.key_path, true, &w.key), 0);
        w.clock = (struct policy_clock){.realtime_usec = NOW, .boottime_usec = HOUR, .boot_id = "boot"};
        w.with = (struct registrar){
                .people = w.store, .key = &w.key, .rules = w.rules, .record = keep_record};
        return 0;
}

static int drop_world(void **state) {
        char command[128];
        w.store = store_close(w.store);
        w.rules = rules_free(w.rules);
        (void) snprintf(command, sizeof(command), "rm -rf -- '%s'", w.dir);
        return system(command) != 0;
}

static void issue_as(enum ticket_use use, const char *boot) {
        static uint8_t seed;
        const uint8_t random[TICKET_RANDOM_SIZE] = {++seed, 2, 3, 4, 5, 6, 7};
        ticket_code_make(random, &w.code);
        w.ticket = (struct store_ticket){.person = w.anna,
                                         .use = use,
                                         .issuer = "root",
                                         .identified = "staff card",
                                         .not_after_usec = NOW + HOUR};
        w.ticket.added_boottime_usec = w.clock.boottime_usec;
        (void) snprintf(w.ticket.added_boot_id, sizeof(w.ticket.added_boot_id), "%s", boot);
        assert_int_equal(ticket_mac(&w.key, &w.code, &w.ticket.mac), 0);
        assert_int_equal(store_add_ticket(w.store, &w.ticket, NOW), 0);
}

static void issue(enum ticket_use use) {
        issue_as(use, "");
}

static int ask(struct registrar_case *about, const struct registrar_message *m) {
        return registrar_answer(&w.with, about, m, &w.clock, &w.reply);
}

static enum registrar_status check_as(struct registrar_case *about, const struct ticket_code *code,
                                      const char *user) {
        struct registrar_message m = {
                .type = REGISTRAR_CHECK, .check.attempt = ATTEMPT, .check.code = *code};
        (void) snprintf(m.check.user, sizeof(m.check.user), "%s", user);
        *about = (struct registrar_case){0};
        assert_int_equal(ask(about, &m), 0);
        assert_int_equal(w.reply.type, REGISTRAR_TICKET);
        return w.reply.ticket.status;
}

static enum registrar_status check(void) {
        return check_as(&w.about, &w.code, "");
}

/* --- a key */

struct soft_key {
        struct key_pair pair;
        uint8_t id[32];
};

static struct soft_key new_key(void) {
        struct soft_key k;
        assert_true(crypto_generate(COSE_ALG_ES256, &k.pair));
        crypto_random(k.id, sizeof(k.id));
        return k;
}

/* What may be wrong with an enrolment. */
struct lie {
        const char *rp;       /* of both signatures */
        bool make_challenge;  /* the credential answers another challenge */
        bool trial_challenge; /* the trial does */
        bool other_signs;     /* the trial is by another key */
        bool other_id;        /* or says it is of another credential */
        bool not_verified, trial_not_verified, trial_not_touched;
        bool counter_stays;
        bool spoilt; /* one bit of the signature */
        bool attested_only;
        bool no_evidence; /* attestation "none": allowed, as the trial proves the key */
        bool own;         /* no lie: a key that she has already */
};

static size_t authdata(const char *rp, uint8_t flags, uint32_t counter, const struct soft_key *k,
                       uint8_t *ret, size_t size) {
        struct writer out = {.p = ret, .size = size};
        uint8_t hash[32], public_key[64];
        size_t n;
        crypto_sha256(rp, strlen(rp), hash);
        writer_bytes(&out, hash, sizeof(hash));
        writer_u8(&out, flags);
        writer_u32(&out, counter);
        if (flags & AUTHDATA_AT) {
                writer_bytes(&out, key_aaguid, 16);
                writer_blob(&out, k->id, sizeof(k->id));
                assert_true(crypto_public(&k->pair, COSE_ALG_ES256, public_key));
                put_cose(&out, public_key, COSE_ALG_ES256);
        }
        assert_int_equal(writer_end(&out, &n), 0);
        return n;
}

static void sign(const struct soft_key *k, const uint8_t *data, size_t n, const uint8_t hash[32],
                 uint8_t *ret, size_t *ret_n) {
        uint8_t message[4096];
        memcpy(message, data, n);
        memcpy(message + n, hash, 32);
        *ret_n = KEY_DER_MAX;
        assert_true(crypto_sign(&k->pair, COSE_ALG_ES256, message, n + 32, ret, ret_n));
}

static void client_data(const char *type, const uint8_t challenge[32], bool other, const char *rp,
                        uint8_t ret[32]) {
        uint8_t c[32];
        memcpy(c, challenge, sizeof(c));
        c[0] = (uint8_t) (c[0] ^ other);
        assert_int_equal(fido_client_data_hash(type, c, rp, ret), 0);
}

static void make_credential(const struct soft_key *k, const struct lie *lie, const char *rp,
                            struct registrar_enrol *e) {
        uint8_t hash[32], signature[KEY_DER_MAX];
        size_t n = 0;
        struct writer out = {.p = e->attstmt, .size = sizeof(e->attstmt)};
        unsigned flags = AUTHDATA_UP | AUTHDATA_AT | (lie->not_verified ? 0U : AUTHDATA_UV);
        client_data("webauthn.create", w.reply.ticket.make, lie->make_challenge, rp, hash);
        e->authdata_len = authdata(rp, (uint8_t) flags, 5, k, e->authdata, sizeof(e->authdata));
        if (lie->no_evidence) {
                memcpy(e->format, "none", 5);
                put_map(&out, 0);
        } else {
                sign(k, e->authdata, e->authdata_len, hash, signature, &n);
                memcpy(e->format, "packed", 7);
                put_map(&out, 2);
                put_text(&out, "alg");
                put_int(&out, COSE_ALG_ES256);
                put_text(&out, "sig");
                put_bytes(&out, signature, n);
        }
        assert_int_equal(writer_end(&out, &e->attstmt_len), 0);
}

static void make_trial(const struct soft_key *k, const struct lie *lie, const char *rp,
                       struct registrar_enrol *e) {
        uint8_t hash[32];
        unsigned flags =
                (lie->trial_not_touched ? 0U : AUTHDATA_UP) | (lie->trial_not_verified ? 0U : AUTHDATA_UV);
        client_data("webauthn.get", w.reply.ticket.trial, lie->trial_challenge, rp, hash);
        e->trial_authdata_len = authdata(rp, (uint8_t) flags, lie->counter_stays ? 5 : 6, NULL,
                                         e->trial_authdata, sizeof(e->trial_authdata));
        struct soft_key other = new_key();
        sign(lie->other_signs ? &other : k, e->trial_authdata, e->trial_authdata_len, hash, e->signature,
             &e->signature_len);
        memcpy(e->credential_id, lie->other_id ? other.id : k->id, sizeof(k->id));
        e->credential_id_len = sizeof(k->id);
        if (lie->spoilt)
                e->signature[e->signature_len - 1] ^= 1;
}

static struct registrar_badge tapped(void) {
        return (struct registrar_badge){.token = "ABCDEFGH",
                                        .kind = "desfire",
                                        .n_indexes = 1,
                                        .indexes = {{.key_id = "0011223344556677", .index = {7}}}};
}

static enum registrar_status enrol(const struct soft_key *k, const struct lie *lie) {
        struct registrar_message *m = calloc(1, sizeof(*m));
        const char *rp = lie->rp ? lie->rp : RP;
        assert_non_null(m);
        m->type = REGISTRAR_ENROL;
        m->enrol.badge = tapped();
        m->enrol.attested_only = lie->attested_only;
        m->enrol.own = lie->own;
        if (!lie->own)
                make_credential(k, lie, rp, &m->enrol);
        make_trial(k, lie, rp, &m->enrol);
        assert_int_equal(ask(&w.about, m), 0);
        assert_int_equal(w.reply.type, REGISTRAR_DONE);
        free(m);
        return w.reply.done;
}

static void expect_nothing_changed(void) {
        assert_int_equal(count("keys"), 0);
        assert_int_equal(count("badges"), 0);
        assert_int_equal(count("used"), 0);
        assert_int_equal(w.committed_at_record, 0);
}

/* --- enrolment */

static void a_good_ticket_makes_badge_and_key_hers_and_ends(void **state) {
        struct soft_key k = new_key();
        issue(TICKET_ENROL);
        assert_int_equal(check(), REGISTRAR_OK);
        assert_string_equal(w.reply.ticket.user, "anna");
        assert_true(w.reply.ticket.may_enrol && !w.reply.ticket.may_sign_in);
        assert_int_equal(enrol(&k, &(struct lie){0}), REGISTRAR_OK);
        assert_int_equal(count("keys"), 1);
        assert_int_equal(count("badges"), 1);
        assert_int_equal(count("used"), 1);
        assert_int_equal(w.n, 3);
        assert_int_equal(w.events[0], RECORD_TICKET_USE);
        assert_int_equal(w.events[1], RECORD_BADGE_ENROL);
        assert_int_equal(w.events[2], RECORD_KEY_ENROL);
        assert_int_equal(w.committed_at_record, 0); /* each was on disk before anything was */
        assert_int_equal(check(), REGISTRAR_USED);
        assert_int_equal(store_check(w.store), 0);
}

static void an_attestation_that_says_nothing_is_enough(void **state) {
        struct soft_key k = new_key();
        issue(TICKET_ANY);
        assert_int_equal(check(), REGISTRAR_OK);
        assert_int_equal(enrol(&k, &(struct lie){.no_evidence = true}), REGISTRAR_OK);
}

static void every_lie_changes_nothing(void **state) {
        static const struct lie lies[] = {
                {.rp = "evil.example.org"},
                {.make_challenge = true},
                {.trial_challenge = true},
                {.other_signs = true},
                {.other_id = true},
                {.not_verified = true},
                {.trial_not_verified = true},
                {.trial_not_touched = true},
                {.counter_stays = true},
                {.spoilt = true},
                {.no_evidence = true, .trial_challenge = true},
                {.no_evidence = true, .other_signs = true},
        };
        for (size_t i = 0; i < ELEMENTSOF(lies); i++) {
                struct soft_key k = new_key();
                issue(TICKET_ENROL);
                assert_int_equal(check(), REGISTRAR_OK);
                assert_int_equal(enrol(&k, &lies[i]), REGISTRAR_KEY_REFUSED);
                expect_nothing_changed();
        }
        assert_int_equal(w.n, 0);
}

static void where_the_role_wants_to_know_the_maker_a_key_says_so(void **state) {
        struct soft_key k = new_key();
        issue(TICKET_ENROL);
        assert_int_equal(check(), REGISTRAR_OK);
        assert_int_equal(enrol(&k, &(struct lie){.attested_only = true}), REGISTRAR_KEY_UNUSABLE);
        expect_nothing_changed();
}

static void what_cannot_be_recorded_does_not_happen(void **state) {
        for (size_t at = 1; at <= 3; at++) {
                struct soft_key k = new_key();
                issue(TICKET_ENROL);
                assert_int_equal(check(), REGISTRAR_OK);
                w.n = 0;
                w.fail_at = at;
                assert_int_equal(enrol(&k, &(struct lie){0}), REGISTRAR_FAILED);
                expect_nothing_changed();
                assert_int_equal(w.n, 2 * at); /* and what was recorded is taken back */
        }
}

static void somebody_elses_badge_or_key_is_not_given_away(void **state) {
        struct store_badge b = {.person = w.ben,
                                .token = "ABCDEFGH",
                                .kind = "x",
                                .key_id = "0011223344556677",
                                .index = {7}};
        struct store_person holder;
        struct soft_key k = new_key();
        assert_int_equal(store_add_badge(w.store, &b, NOW, &holder), 0);
        issue(TICKET_ENROL);
        assert_int_equal(check(), REGISTRAR_OK);
        assert_int_equal(enrol(&k, &(struct lie){0}), REGISTRAR_BADGE_TAKEN);
        assert_int_equal(count("keys"), 0);
        assert_int_equal(count("used"), 0);

        struct store_badge ended;
        assert_int_equal(store_end_badge(w.store, "ABCDEFGH", "lost", NOW, &ended, &holder), 0);
        assert_int_equal(check(), REGISTRAR_OK);
        assert_int_equal(enrol(&k, &(struct lie){0}), REGISTRAR_OK); /* nobody's any more */
        issue(TICKET_ENROL);
        assert_int_equal(check(), REGISTRAR_OK);
        assert_int_equal(enrol(&k, &(struct lie){0}), REGISTRAR_KEY_TAKEN);
        assert_int_equal(count("used"), 0);
}

/* --- what was reported lost and is in its owner's hand again */

#define EARLIER (NOW - HOUR)

static struct store_badge badge_with(uint8_t number) {
        const char *id = "0011223344556677";
        const uint8_t index[STORE_INDEX_SIZE] = {number}, *i = index;
        struct store_person p;
        struct store_badge b;
        assert_int_equal(store_find_badge(w.store, &id, &i, 1, &b, &p), 0);
        return b;
}

static void give_badge(int64_t person, uint8_t number) {
        struct store_badge b = {
                .person = person, .kind = "x", .key_id = "0011223344556677", .index = {number}};
        struct store_person holder;
        (void) snprintf(b.token, sizeof(b.token), "ABCDEFG%c", number == 7 ? 'H' : 'J');
        assert_int_equal(store_add_badge(w.store, &b, EARLIER, &holder), 0);
}

static struct store_key first_key(size_t *ret_n) {
        struct store_key keys[STORE_KEYS_MAX];
        assert_int_equal(store_person_keys(w.store, w.anna, keys, ret_n), 0);
        assert_true(*ret_n > 0);
        return keys[0];
}

/* A key that anna enrolled once. */
static struct soft_key give_key(void) {
        struct soft_key k = new_key();
        issue(TICKET_ENROL);
        assert_int_equal(check(), REGISTRAR_OK);
        struct registrar_message *m = calloc(1, sizeof(*m));
        assert_non_null(m);
        m->type = REGISTRAR_ENROL;
        make_credential(&k, &(struct lie){0}, RP, &m->enrol);
        make_trial(&k, &(struct lie){0}, RP, &m->enrol);
        assert_int_equal(ask(&w.about, m), 0);
        assert_int_equal(w.reply.done, REGISTRAR_OK);
        free(m);
        w.n = 0;
        return k;
}

static enum registrar_status use_with_badge(void) {
        const struct registrar_message use = {.type = REGISTRAR_USE, .use = tapped()};
        assert_int_equal(ask(&w.about, &use), 0);
        return w.reply.done;
}

static void a_ticket_lifts_the_report_of_the_badge_that_is_tapped_and_of_no_other(void **state) {
        unsigned n;
        size_t n_keys;
        give_badge(w.anna, 7);
        give_badge(w.anna, 8);
        (void) give_key();
        assert_int_equal(store_report_badges(w.store, w.anna, "not in the locker", EARLIER, &n), 0);
        assert_int_equal(store_report_keys(w.store, w.anna, "not in the locker", EARLIER, &n), 0);
        issue(TICKET_SIGN_IN);
        assert_int_equal(check(), REGISTRAR_OK);
        assert_int_equal(use_with_badge(), REGISTRAR_OK);
        assert_true(badge_with(7).suspended_usec == 0);
        assert_true(badge_with(8).suspended_usec != 0);
        assert_true(first_key(&n_keys).suspended_usec != 0);
        assert_int_equal(w.n, 2);
        assert_int_equal(w.events[0], RECORD_TICKET_USE);
        assert_int_equal(w.events[1], RECORD_LOST_FOUND);
}

static void what_a_ticket_does_not_lift(void **state) {
        struct store_badge b;
        struct store_person p;
        unsigned n;
        give_badge(w.anna, 7);
        assert_int_equal(store_suspend_badge(w.store, "ABCDEFGH", "left the ward", EARLIER, &b, &p), 0);
        issue(TICKET_SIGN_IN);
        assert_int_equal(check(), REGISTRAR_OK);
        assert_int_equal(use_with_badge(), REGISTRAR_BADGE_SUSPENDED); /* an administrator's */
        assert_int_equal(store_suspend_badge(w.store, "ABCDEFGH", NULL, EARLIER, &b, &p), 0);

        assert_int_equal(store_report_badges(w.store, w.anna, "gone", NOW + 1, &n), 0);
        assert_int_equal(check(), REGISTRAR_OK);
        assert_int_equal(use_with_badge(), REGISTRAR_BADGE_SUSPENDED); /* the code may be in the same bag */
        assert_true(badge_with(7).suspended_usec != 0);
        assert_int_equal(store_lift_badges(w.store, w.anna, &n), 0);

        assert_int_equal(store_end_badge(w.store, "ABCDEFGH", "replaced", NOW, &b, &p), 0);
        assert_int_equal(check(), REGISTRAR_OK);
        assert_int_equal(use_with_badge(), REGISTRAR_BADGE_TAKEN); /* what was replaced stays ended */
        assert_true(badge_with(7).ended_usec != 0);

        give_badge(w.ben, 7);
        assert_int_equal(store_report_badges(w.store, w.ben, "gone", EARLIER, &n), 0);
        assert_int_equal(check(), REGISTRAR_OK);
        assert_int_equal(use_with_badge(), REGISTRAR_BADGE_TAKEN); /* somebody else's */
        assert_true(badge_with(7).suspended_usec != 0);
        assert_int_equal(count("used"), 0); /* and the ticket is good all the while */
        assert_int_equal(w.n, 0);
}

static void a_ticket_that_was_used_lifts_nothing(void **state) {
        const struct registrar_message use = {.type = REGISTRAR_USE};
        unsigned n;
        give_badge(w.anna, 7);
        assert_int_equal(store_report_badges(w.store, w.anna, "gone", EARLIER, &n), 0);
        issue(TICKET_SIGN_IN);
        assert_int_equal(check(), REGISTRAR_OK);
        assert_int_equal(ask(&w.about, &use), 0); /* with some other badge */
        assert_int_equal(w.reply.done, REGISTRAR_OK);
        assert_int_equal(check(), REGISTRAR_OK);
        assert_int_equal(use_with_badge(), REGISTRAR_USED);
        assert_true(badge_with(7).suspended_usec != 0);
}

static void a_key_that_was_found_signs_and_is_in_use_again(void **state) {
        struct soft_key k = give_key();
        unsigned n;
        size_t n_keys;
        give_badge(w.anna, 7);
        assert_int_equal(store_report_badges(w.store, w.anna, "gone", EARLIER, &n), 0);
        assert_int_equal(store_report_keys(w.store, w.anna, "gone", EARLIER, &n), 0);
        issue(TICKET_ENROL);
        assert_int_equal(check(), REGISTRAR_OK);
        assert_int_equal(enrol(&k, &(struct lie){.own = true}), REGISTRAR_OK);
        assert_true(first_key(&n_keys).suspended_usec == 0);
        assert_int_equal(n_keys, 1);
        assert_true(badge_with(7).suspended_usec == 0);
        assert_int_equal(count("used"), 1);
        assert_int_equal(w.n, 3);
        assert_int_equal(w.events[1], RECORD_LOST_FOUND);
        assert_int_equal(w.events[2], RECORD_LOST_FOUND);
        assert_int_equal(check(), REGISTRAR_USED);
}

static void a_lie_about_a_key_that_was_found_lifts_nothing(void **state) {
        static const struct lie lies[] = {
                {.own = true, .rp = "evil.example.org"},
                {.own = true, .trial_challenge = true},
                {.own = true, .other_signs = true},
                {.own = true, .other_id = true},
                {.own = true, .trial_not_verified = true},
                {.own = true, .trial_not_touched = true},
                {.own = true, .spoilt = true},
        };
        struct soft_key k = give_key();
        struct store_key suspended;
        struct store_person p;
        unsigned n;
        size_t n_keys;
        assert_int_equal(store_report_keys(w.store, w.anna, "gone", EARLIER, &n), 0);
        issue(TICKET_ENROL);
        for (size_t i = 0; i < ELEMENTSOF(lies); i++) {
                assert_int_equal(check(), REGISTRAR_OK);
                assert_int_equal(enrol(&k, &lies[i]), REGISTRAR_KEY_REFUSED);
        }
        for (w.fail_at = 1; w.fail_at <= 3; w.fail_at++) { /* nor does what cannot be recorded happen */
                w.n = 0;
                assert_int_equal(check(), REGISTRAR_OK);
                assert_int_equal(enrol(&k, &(struct lie){.own = true}), REGISTRAR_FAILED);
        }
        w.fail_at = w.n = 0;
        assert_true(first_key(&n_keys).suspended_usec != 0);
        assert_int_equal(count("badges"), 0);
        assert_int_equal(count("used"), 0);
        assert_int_equal(store_lift_keys(w.store, w.anna, &n), 0);
        assert_int_equal(
                store_suspend_key(w.store, first_key(&n_keys).token, "stolen", EARLIER, &suspended, &p), 0);
        assert_int_equal(check(), REGISTRAR_OK);
        assert_int_equal(enrol(&k, &(struct lie){.own = true}), REGISTRAR_KEY_SUSPENDED);
        assert_true(first_key(&n_keys).suspended_usec != 0);
}

static void a_key_that_is_in_use_does_for_a_new_badge_and_for_nothing_else(void **state) {
        struct soft_key k = give_key();
        size_t n_keys;
        issue(TICKET_ENROL);
        assert_int_equal(check(), REGISTRAR_OK);
        assert_int_equal(enrol(&k, &(struct lie){.own = true, .attested_only = true}),
                         REGISTRAR_KEY_UNUSABLE);
        assert_int_equal(count("badges"), 0);
        assert_int_equal(check(), REGISTRAR_OK);
        assert_int_equal(enrol(&k, &(struct lie){.own = true}), REGISTRAR_OK);
        assert_int_equal(badge_with(7).person, w.anna);
        (void) first_key(&n_keys);
        assert_int_equal(n_keys, 1);
        issue(TICKET_ENROL);
        assert_int_equal(check(), REGISTRAR_OK);
        assert_int_equal(enrol(&k, &(struct lie){.own = true}),
                         REGISTRAR_KEY_TAKEN); /* nothing came of it */
        assert_int_equal(count("used"), 0);
}

/* A new badge and a new key, while the old ones lie somewhere: those stay suspended. */
static void what_is_not_in_hand_stays_reported(void **state) {
        struct soft_key old = give_key(), new = new_key();
        unsigned n;
        size_t n_keys;
        give_badge(w.anna, 8);
        assert_int_equal(store_report_badges(w.store, w.anna, "gone", EARLIER, &n), 0);
        assert_int_equal(store_report_keys(w.store, w.anna, "gone", EARLIER, &n), 0);
        issue(TICKET_ENROL);
        assert_int_equal(check(), REGISTRAR_OK);
        assert_int_equal(enrol(&new, &(struct lie){0}), REGISTRAR_OK);
        assert_true(badge_with(8).suspended_usec != 0);
        assert_true(first_key(&n_keys).suspended_usec != 0);
        assert_int_equal(n_keys, 2);
        assert_memory_equal(first_key(&n_keys).credential_id, old.id, sizeof(old.id));
}

/* --- codes */

static void a_ticket_that_is_over_or_not_hers_is_refused_and_recorded(void **state) {
        struct store_ticket t;
        struct store_person p;
        issue(TICKET_ANY);
        assert_int_equal(check_as(&w.about, &w.code, "ben"), REGISTRAR_OF_ANOTHER);
        assert_int_equal(check_as(&w.about, &w.code, "anna"), REGISTRAR_OK);
        w.clock.realtime_usec = NOW + HOUR;
        assert_int_equal(check(), REGISTRAR_EXPIRED);
        w.clock.realtime_usec = NOW;
        assert_int_equal(store_set_person_state(w.store, "anna", PERSON_SUSPENDED, NOW, &p), 0);
        assert_int_equal(check(), REGISTRAR_SUSPENDED);
        assert_int_equal(store_set_person_state(w.store, "anna", PERSON_ACTIVE, NOW, &p), 0);
        assert_int_equal(store_end_ticket(w.store, w.ticket.name, "lost", NOW, &t, &p), 0);
        assert_int_equal(check(), REGISTRAR_REVOKED);
        w.rules->tickets = false;
        issue(TICKET_ANY);
        assert_int_equal(check(), REGISTRAR_NOT_HERE);
        assert_int_equal(w.n, 4);
        for (size_t i = 0; i < w.n; i++)
                assert_int_equal(w.events[i], RECORD_TICKET_REFUSED);
}

static void a_clock_that_is_set_back_brings_no_ticket_back(void **state) {
        issue(TICKET_ANY); /* of another boot, or of one that is not known */
        w.clock.realtime_usec = NOW - 1;
        assert_int_equal(check(), REGISTRAR_EXPIRED); /* a year back, or only a moment: not yet issued */
        w.clock.realtime_usec = NOW;
        assert_int_equal(check(), REGISTRAR_OK);
        issue_as(TICKET_ANY, "boot");
        w.clock.boottime_usec += HOUR;                /* its hour is over ... */
        assert_int_equal(check(), REGISTRAR_EXPIRED); /* ... however slowly the clock on the wall goes */
        w.clock.realtime_usec = NOW - 8760 * HOUR;
        assert_int_equal(check(), REGISTRAR_EXPIRED);
        w.clock.boottime_usec -= 1;
        assert_int_equal(check(), REGISTRAR_OK); /* nor is it lost by that */
        const struct registrar_message use = {.type = REGISTRAR_USE};
        w.clock.boottime_usec += 1;
        assert_int_equal(ask(&w.about, &use), 0); /* between the question and its use */
        assert_int_equal(w.reply.done, REGISTRAR_EXPIRED);
        assert_int_equal(count("used"), 0);
}

static void guesses_pause_the_station_for_right_codes_too(void **state) {
        issue(TICKET_ANY);
        for (uint8_t i = 0; i < TICKET_GUARD_MAX; i++) {
                const uint8_t random[TICKET_RANDOM_SIZE] = {99, i, 9};
                struct ticket_code wrong;
                ticket_code_make(random, &wrong);
                assert_int_equal(check_as(&w.about, &wrong, ""), REGISTRAR_WRONG);
        }
        assert_int_equal(check(), REGISTRAR_PAUSED);
        assert_true(w.reply.ticket.wait_usec == TICKET_GUARD_USEC);
        w.clock.boottime_usec += TICKET_GUARD_USEC;
        assert_int_equal(check(), REGISTRAR_OK);
        assert_int_equal(w.n, TICKET_GUARD_MAX + 1);
}

static void of_two_at_once_one_wins(void **state) {
        const struct registrar_message use = {.type = REGISTRAR_USE};
        struct registrar_case first, second;
        issue(TICKET_SIGN_IN);
        assert_int_equal(check_as(&first, &w.code, ""), REGISTRAR_OK);
        assert_int_equal(check_as(&second, &w.code, ""), REGISTRAR_OK);
        assert_int_equal(ask(&first, &use), 0);
        assert_int_equal(w.reply.done, REGISTRAR_OK);
        assert_int_equal(ask(&second, &use), 0);
        assert_int_equal(w.reply.done, REGISTRAR_USED);
        assert_int_equal(w.n, 1);
}

static void a_used_one_gives_back_and_enrols_nothing(void **state) {
        const struct registrar_message use = {.type = REGISTRAR_USE};
        struct soft_key k = new_key();
        issue(TICKET_ANY);
        assert_int_equal(check(), REGISTRAR_OK);
        assert_int_equal(ask(&w.about, &use), 0);
        assert_int_equal(w.reply.done, REGISTRAR_OK);
        assert_int_equal(check(), REGISTRAR_OK);
        assert_true(w.reply.ticket.used && !w.reply.ticket.may_enrol);
        assert_int_equal(ask(&w.about, &use), 0);
        assert_int_equal(w.reply.done, REGISTRAR_OK);
        assert_int_equal(check(), REGISTRAR_OK);
        assert_int_equal(enrol(&k, &(struct lie){0}), REGISTRAR_USED);
        assert_int_equal(count("keys"), 0);
}

static void a_ticket_does_only_what_it_was_issued_for(void **state) {
        const struct registrar_message use = {.type = REGISTRAR_USE};
        struct soft_key k = new_key();
        issue(TICKET_ENROL);
        assert_int_equal(check(), REGISTRAR_OK);
        assert_int_equal(ask(&w.about, &use), 0);
        assert_int_equal(w.reply.done, REGISTRAR_NOT_HERE);
        issue(TICKET_SIGN_IN);
        assert_int_equal(check(), REGISTRAR_OK);
        assert_false(w.reply.ticket.may_enrol);
        assert_int_equal(enrol(&k, &(struct lie){0}), REGISTRAR_NOT_HERE);
        expect_nothing_changed();
}

static void out_of_turn_nothing_is_answered(void **state) {
        struct registrar_message m = {.type = REGISTRAR_USE};
        assert_int_equal(ask(&w.about, &m), -EBADMSG); /* no ticket was shown */
        m.type = REGISTRAR_DONE;
        assert_int_equal(ask(&w.about, &m), -EBADMSG);
        issue(TICKET_SIGN_IN);
        assert_int_equal(check(), REGISTRAR_OK);
        m = (struct registrar_message){
                .type = REGISTRAR_CHECK, .check.attempt = ATTEMPT, .check.code = w.code};
        assert_int_equal(ask(&w.about, &m), -EBADMSG); /* one code a connection */
        m = (struct registrar_message){.type = REGISTRAR_USE};
        assert_int_equal(ask(&w.about, &m), 0);
        assert_int_equal(ask(&w.about, &m), -EBADMSG); /* once */
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, make_world, drop_world)
        const struct CMUnitTest tests[] = {
                T(a_good_ticket_makes_badge_and_key_hers_and_ends),
                T(an_attestation_that_says_nothing_is_enough),
                T(every_lie_changes_nothing),
                T(where_the_role_wants_to_know_the_maker_a_key_says_so),
                T(what_cannot_be_recorded_does_not_happen),
                T(somebody_elses_badge_or_key_is_not_given_away),
                T(a_ticket_lifts_the_report_of_the_badge_that_is_tapped_and_of_no_other),
                T(what_a_ticket_does_not_lift),
                T(a_ticket_that_was_used_lifts_nothing),
                T(a_key_that_was_found_signs_and_is_in_use_again),
                T(a_lie_about_a_key_that_was_found_lifts_nothing),
                T(a_key_that_is_in_use_does_for_a_new_badge_and_for_nothing_else),
                T(what_is_not_in_hand_stays_reported),
                T(a_ticket_that_is_over_or_not_hers_is_refused_and_recorded),
                T(a_clock_that_is_set_back_brings_no_ticket_back),
                T(guesses_pause_the_station_for_right_codes_too),
                T(of_two_at_once_one_wins),
                T(a_used_one_gives_back_and_enrols_nothing),
                T(a_ticket_does_only_what_it_was_issued_for),
                T(out_of_turn_nothing_is_answered),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
