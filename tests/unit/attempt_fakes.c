/* SPDX-License-Identifier: Apache-2.0 */
/* The world an attempt sees in test_attempt.c. */
#include "tests/unit/attempt_fakes.h"

#include "common/socket.h"
#include "pam_module/auth/relay.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/random.h>

struct fake_world fake;

static struct {
        int module[2]; /* [0] is the attempt's */
        int broker;    /* our end */
        int registrar; /* likewise */
        int listener;  /* of the second connection to wardtapd */
        unsigned at;   /* in the script */
        bool pin_sent, spoken;
        int event;
        struct rules rules;
        struct rule_service service;
        struct snapshot snapshot;
} hidden;

/* True when this call is to fail. */
static bool inject(const char *what) {
        fake.calls++;
        if (fake.calls != fake.fail_at)
                return false;
        fake.failed = what;
        return true;
}

/* --- getrandom */
ssize_t __real_getrandom(void *buf, size_t n, unsigned flags);
ssize_t __wrap_getrandom(void *buf, size_t n, unsigned flags);
ssize_t __wrap_getrandom(void *buf, size_t n, unsigned flags) {
        if (!inject("getrandom"))
                return __real_getrandom(buf, n, flags);
        errno = EAGAIN;
        return -1;
}

/* --- the module's end */
int __real_wire_send(int fd, const struct wire_message *m);
int __wrap_wire_send(int fd, const struct wire_message *m);

static void hang_up(void) {
        closep(&hidden.module[1]);
}

static void answer_prompt(void) {
        struct wire_message m = {.version = WIRE_VERSION, .type = WIRE_NO_ANSWER};
        fake.prompts++;
        if (fake.hang_up_at_prompt) {
                hang_up();
                return;
        }
        if (fake.raw_answer.n > 0) {
                (void) socket_send(hidden.module[1], fake.raw_answer.p, fake.raw_answer.n);
                return;
        }
        const char *typed = strcmp(fake.prompt, "Code: ") == 0 ? fake.code : fake.pin;
        if (typed) {
                m.type = WIRE_ANSWER;
                (void) snprintf(m.answer, sizeof(m.answer), "%s", typed);
        }
        fake.codes_asked += strcmp(fake.prompt, "Code: ") == 0;
        if (!fake.late && !fake.nobody_types)
                (void) __real_wire_send(hidden.module[1], &m);
}

static void see_text(const char *text) {
        struct wire_message m = {.version = WIRE_VERSION, .type = WIRE_ANSWER, .answer = "1234"};
        if (fake.hang_up_at && strstr(text, fake.hang_up_at))
                hang_up();
        if (fake.speak_out_of_turn && !hidden.spoken)
                (void) __real_wire_send(hidden.module[1], &m);
        hidden.spoken = true;
}

int __wrap_wire_send(int fd, const struct wire_message *m) {
        if (inject("wire_send"))
                return -EPIPE;
        switch (m->type) {
        case WIRE_USER:
                (void) snprintf(fake.got_user, sizeof(fake.got_user), "%s", m->user);
                break;
        case WIRE_INFO:
                (void) snprintf(fake.last_info, sizeof(fake.last_info), "%s", m->text);
                see_text(m->text);
                break;
        case WIRE_ERROR:
                (void) snprintf(fake.last_error, sizeof(fake.last_error), "%s", m->text);
                see_text(m->text);
                break;
        case WIRE_PROMPT:
                (void) snprintf(fake.prompt, sizeof(fake.prompt), "%s", m->prompt.text);
                (void) snprintf(fake.before_prompt, sizeof(fake.before_prompt), "%s", fake.last_info);
                answer_prompt();
                break;
        case WIRE_VERDICT:
                fake.has_verdict = true;
                fake.got = m->verdict.verdict;
                memcpy(fake.verdict_attempt, m->verdict.attempt, sizeof(fake.verdict_attempt));
                fake.record_before_verdict = fake.records > 0;
                break;
        default:
                abort();
        }
        return hidden.module[1] < 0 ? -EPIPE : 0;
}

int __real_relay_poll(int module, int other, uint64_t deadline_usec);
int __wrap_relay_poll(int module, int other, uint64_t deadline_usec);
int __wrap_relay_poll(int module, int other, uint64_t deadline_usec) {
        if (inject("relay_poll"))
                return deadline_usec == 0 ? -EIO : -ETIMEDOUT;
        if (fake.closed_usec > 0 && deadline_usec > 0) { /* she reads quickly */
                fake.waited_usec = deadline_usec - now_monotonic_usec();
                deadline_usec = 0;
        }
        return fake.late ? -ETIMEDOUT : __real_relay_poll(module, other, deadline_usec);
}

int __real_relay_poll_two(int module, int other, int second, uint64_t deadline_usec);
int __wrap_relay_poll_two(int module, int other, int second, uint64_t deadline_usec);
int __wrap_relay_poll_two(int module, int other, int second, uint64_t deadline_usec) {
        if (inject("relay_poll_two"))
                return -ETIMEDOUT;
        return __real_relay_poll_two(module, other, second, fake.late ? 0 : deadline_usec);
}

/* Waiting for wardtapd: time is up at once where nothing comes by itself. */
int __real_relay_wait(int module, int other, uint64_t deadline_usec);
int __wrap_relay_wait(int module, int other, uint64_t deadline_usec);
int __wrap_relay_wait(int module, int other, uint64_t deadline_usec) {
        struct pollfd p[] = {{.fd = module, .events = POLLIN | POLLRDHUP}, {.fd = other, .events = POLLIN}};
        if (!(fake.late || fake.nothing_comes) || deadline_usec == UINT64_MAX || poll(p, 2, 0) > 0)
                return __real_relay_wait(module, other, deadline_usec);
        fake.waited_usec = deadline_usec - now_monotonic_usec();
        return -ETIMEDOUT;
}

/* --- wardtapd */
int __real_broker_send(int fd, const struct broker_message *m);
int __wrap_broker_connect(const struct broker_hello *hello, int *ret_fd);
int __wrap_broker_connect(const struct broker_hello *hello, int *ret_fd) {
        int pair[2];
        if (inject("broker_connect"))
                return -ECONNREFUSED;
        enum broker_purpose wanted = fake.seat      ? BROKER_SEAT
                                     : fake.step_up ? BROKER_STEP_UP
                                                    : BROKER_SIGN_IN;
        if ((hello->purpose != wanted && hello->purpose != BROKER_SEAT) || strlen(hello->attempt) != 32 ||
            socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
                abort();
        if (hidden.broker >= 0 &&
            (strstr(fake.last_info, "Enter your code") || strstr(fake.last_info, "lug in"))) {
                closep(&hidden.listener);
                hidden.listener = pair[1];
                *ret_fd = pair[0];
                return 0;
        }
        closep(&hidden.broker);
        hidden.broker = pair[1];
        *ret_fd = pair[0];
        memcpy(fake.told_tty, hello->tty, sizeof(fake.told_tty));
        fake.connects++;
        return 0;
}

static void say_readers(int readers) {
        struct broker_message m = {.type = BROKER_WAITING, .waiting.readers = (uint16_t) readers};
        if (readers >= 0)
                (void) __real_broker_send(hidden.broker, &m);
}

/* To whoever listens while this one is being judged. */
static int tap_beside(void) {
        struct broker_message m = {.type = BROKER_TAP,
                                   .tap = {.id = 8,
                                           .seen_usec = now_monotonic_usec(),
                                           .reader = "Reader 0",
                                           .n_indexes = 1,
                                           .indexes = {{.key_id = "0011223344556677"}}}};
        (void) snprintf(m.tap.token, sizeof(m.tap.token), fake.tap_of_another ? "ANOTHERS" : "TAPTOKEN");
        if (!fake.tap_again && !fake.tap_of_another)
                return 0;
        fake.tap_again = false;
        return __real_broker_send(hidden.listener, &m);
}

static void give_tap(void) {
        struct broker_message m = {
                .type = BROKER_TAP,
                .tap = {.id = 7,
                        .seen_usec = now_monotonic_usec() - fake.tap_age_usec,
                        .reader = "Reader 0",
                        .kind = "mifare-classic-1k",
                        .problem = fake.problem,
                        .token = "TAPTOKEN",
                        .n_indexes = 1,
                        .indexes = {{.key_id = "0011223344556677", .index = {1, 2, 3}}}},
        };
        if (fake.problem != TAP_OK) {
                m.tap.n_indexes = 0;
                m.tap.token[0] = 0;
        }
        fake.tapped = true;
        (void) __real_broker_send(hidden.broker, &m);
}

static int say_again(void) {
        const struct broker_message m = {
                .type = BROKER_AGAIN, .again = {now_monotonic_usec() - (fake.taps_before ? 1000000U : 0)}};
        if (!fake.taps_again || (fake.taps_after_code && fake.codes_asked == 0))
                return 0;
        return __real_broker_send(hidden.broker, &m);
}

static int answer_about_switch(const struct broker_message *m) {
        struct broker_message switched = {.type = BROKER_SWITCHED, .switched.status = fake.switch_status},
                              grant = {.type = BROKER_GRANT, .grant.status = fake.grant_status};
        if (m->person.uid != FAKE_UID || strcmp(m->person.user, FAKE_USER) != 0 ||
            strcmp(m->person.unit, fake.unit) != 0)
                abort();
        if (m->type == BROKER_SWITCH) {
                fake.switches++;
                return fake.switch_status > 0 ? 0 : __real_broker_send(hidden.broker, &switched);
        }
        fake.grants_asked++;
        if (fake.grant_status == 0)
                (void) snprintf(grant.grant.attempt, sizeof(grant.grant.attempt), FAKE_GRANTED);
        return __real_broker_send(hidden.broker, &grant);
}

int __wrap_broker_send(int fd, const struct broker_message *m);
int __wrap_broker_send(int fd, const struct broker_message *m) {
        struct broker_message s = {.type = BROKER_SESSION,
                                   .session = {fake.own_session ? BROKER_OPEN : BROKER_ABSENT,
                                               fake.closed_usec, "disk  updates ", fake.in_emergency_usec,
                                               false, fake.other_seat}};
        if (inject("broker_send"))
                return -EPIPE;
        if (m->type == BROKER_ASK_SESSION)
                return __real_broker_send(hidden.broker, &s);
        if (m->type == BROKER_WANT_AGAIN)
                return say_again();
        if (m->type == BROKER_SWITCH || m->type == BROKER_ASK_GRANT)
                return answer_about_switch(m);
        if (m->type == BROKER_KEY_USED) {
                memcpy(fake.key_used, m->key_used.device, sizeof(fake.key_used));
                fake.keys_used++;
                return 0;
        }
        if (hidden.listener >= 0)
                return tap_beside();
        if (fake.broker_losses > 0) {
                fake.broker_losses--;
                closep(&hidden.broker);
                return 0;
        }
        if (fake.readers_late)
                say_readers(0);
        say_readers(fake.readers);
        if (fake.greeter_ends)
                (void) __real_broker_send(hidden.broker, &(struct broker_message){.type = BROKER_GONE});
        if (fake.readers_leave)
                say_readers(0);
        if (fake.tap)
                give_tap();
        return 0;
}

int __real_broker_receive(int fd, struct broker_message *ret);
int __wrap_broker_receive(int fd, struct broker_message *ret);
int __wrap_broker_receive(int fd, struct broker_message *ret) {
        return inject("broker_receive") ? -EBADMSG : __real_broker_receive(fd, ret);
}

int __wrap_broker_record(int fd, const struct record *record, uint64_t deadline_usec, uint64_t *ret_seq);
int __wrap_broker_record(int fd, const struct record *record, uint64_t deadline_usec, uint64_t *ret_seq) {
        uint8_t buf[SOCKET_MESSAGE_MAX];
        struct writer w = {.p = buf, .size = sizeof(buf)};
        if (fake.record_losses > 0) {
                fake.record_losses--;
                return -ECONNRESET;
        }
        if (inject("broker_record"))
                return -ECONNRESET;
        fake.records++;
        fake.keys_before_record = fake.keys_used;
        record_clear(&fake.record);
        record_write(&w, record);
        if (record_read((struct bytes){buf, w.n}, &fake.record) < 0)
                abort();
        return fake.record_status;
}

/* --- wardtap-registrar */
int __wrap_registrar_connect(int *ret_fd);
int __wrap_registrar_connect(int *ret_fd) {
        int pair[2];
        if (inject("registrar_connect"))
                return -ECONNREFUSED;
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
                abort();
        closep(&hidden.registrar);
        hidden.registrar = pair[1];
        *ret_fd = pair[0];
        return 0;
}

static void answer_check(const struct registrar_message *m, struct registrar_ticket *t) {
        fake.checks++;
        (void) snprintf(fake.check_user, sizeof(fake.check_user), "%s", m->check.user);
        t->status = fake.ticket_status;
        if (t->status != REGISTRAR_OK)
                return;
        (void) snprintf(t->name, sizeof(t->name), "T7K2M9QD");
        (void) snprintf(t->issuer, sizeof(t->issuer), "desk");
        (void) snprintf(t->user, sizeof(t->user), "%s", fake.ticket_user ? fake.ticket_user : FAKE_USER);
        t->may_enrol = fake.enrol_only;
        t->may_sign_in = !fake.enrol_only;
        t->used = fake.ticket_used;
        t->until_usec = 9000000;
}

int __real_registrar_send(int fd, const struct registrar_message *m);
int __wrap_registrar_send(int fd, const struct registrar_message *m);
int __wrap_registrar_send(int fd, const struct registrar_message *m) {
        struct registrar_message reply = {.type = m->type == REGISTRAR_CHECK ? REGISTRAR_TICKET
                                                                             : REGISTRAR_DONE};
        if (inject("registrar_send"))
                return -EPIPE;
        if (m->type == REGISTRAR_CHECK) {
                answer_check(m, &reply.ticket);
        } else {
                if (m->type == REGISTRAR_USE)
                        fake.used_badge = m->use;
                reply.done = fake.use_status;
                fake.uses++;
        }
        return __real_registrar_send(hidden.registrar, &reply);
}

/* --- the store */
static void the_person(struct store_person *p) {
        *p = (struct store_person){.id = 11, .state = PERSON_ACTIVE};
        (void) snprintf(p->uuid, sizeof(p->uuid), "00000000-0000-4000-8000-000000000011");
        (void) snprintf(p->user, sizeof(p->user), FAKE_USER);
        (void) snprintf(p->full_name, sizeof(p->full_name), FAKE_NAME);
}

int __wrap_store_find_person(struct store *s, const char *user, struct store_person *ret);
int __wrap_store_find_person(struct store *s, const char *user, struct store_person *ret) {
        if (inject("store_find_person"))
                return -EBUSY;
        if (strcmp(user, FAKE_USER) != 0)
                return -ENOENT;
        the_person(ret);
        return 0;
}

int __wrap_store_find_badge(struct store *s, const char *const *key_ids, const uint8_t *const *indexes,
                            size_t n, struct store_badge *ret_badge, struct store_person *ret_person);
int __wrap_store_find_badge(struct store *s, const char *const *key_ids, const uint8_t *const *indexes,
                            size_t n, struct store_badge *ret_badge, struct store_person *ret_person) {
        if (inject("store_find_badge"))
                return -EBADMSG;
        if (n != 1 || indexes[0][0] != 1 || strcmp(key_ids[0], "0011223344556677") != 0)
                abort();
        if (fake.badge_unknown)
                return -ENOENT;
        *ret_badge = (struct store_badge){.id = 21, .person = 11, .token = "ABCDEFGH"};
        if (fake.badge_suspended) {
                ret_badge->suspended_usec = 1;
                (void) snprintf(ret_badge->suspend_reason, sizeof(ret_badge->suspend_reason), "%s",
                                fake.suspended ? fake.suspended : "left the ward");
        }
        ret_badge->ended_usec = fake.ended_meanwhile && fake.badges_asked > 0;
        fake.badges_asked++;
        the_person(ret_person);
        if (fake.badge_of_another)
                ret_badge->person = ret_person->id = 12;
        if (fake.tapped_lent) {
                ret_badge->not_after_usec = 77;
                (void) snprintf(ret_badge->approver, sizeof(ret_badge->approver), "dora");
        }
        return 0;
}

int __wrap_store_person_keys(struct store *s, int64_t person, struct store_key *ret, size_t *ret_n);
int __wrap_store_person_keys(struct store *s, int64_t person, struct store_key *ret, size_t *ret_n) {
        if (inject("store_person_keys"))
                return -EBUSY;
        for (unsigned i = 0; i < 2; i++) {
                ret[i] = (struct store_key){.id = 31 + i, .person = person, .token = "00aa00aa00aa00aa"};
                ret[i].suspended_usec = fake.keys_suspended;
                (void) snprintf(ret[i].suspend_reason, sizeof(ret[i].suspend_reason), "%s",
                                fake.suspended && fake.keys_suspended ? fake.suspended : "");
                ret[i].credential_id_len = 16;
                ret[i].credential_id[0] = (uint8_t) (i + 1);
                (void) snprintf(ret[i].rp_id, sizeof(ret[i].rp_id), "wardtap.example.org");
        }
        for (unsigned i = 0; fake.suspended_meanwhile && fake.keys_asked > 0 && i < 2; i++)
                ret[i].suspended_usec = 1;
        fake.keys_asked++;
        *ret_n = fake.no_keys ? 0 : 2;
        return 0;
}

int __wrap_store_person_elevations(struct store *s, int64_t person, uint64_t after_usec,
                                   struct store_elevation *ret, size_t *ret_n);
int __wrap_store_person_elevations(struct store *s, int64_t person, uint64_t after_usec,
                                   struct store_elevation *ret, size_t *ret_n) {
        if (inject("store_person_elevations"))
                return -EBUSY;
        *ret_n = 0;
        if (!fake.elevated)
                return 0;
        *ret_n = 1;
        *ret = (struct store_elevation){.person = person, .role = "night-lead", .approver = "berta"};
        return 0;
}

int __wrap_store_lent_badge(struct store *s, int64_t person, uint64_t now_usec, struct store_badge *ret);
int __wrap_store_lent_badge(struct store *s, int64_t person, uint64_t now_usec, struct store_badge *ret) {
        if (inject("store_lent_badge"))
                return -EBUSY;
        if (!fake.lent_badge)
                return -ENOENT;
        *ret = (struct store_badge){.id = fake.lent_badge, .person = person};
        return 0;
}

int __wrap_store_history(struct store *s, int64_t person, struct policy_history *ret);
int __wrap_store_history(struct store *s, int64_t person, struct policy_history *ret) {
        if (inject("store_history") || fake.state_locked)
                return -EBUSY;
        *ret = (struct policy_history){.any_strong = true, .strong_usec = 1000000};
        return 0;
}

int __wrap_store_count_emergencies(struct store *s, int64_t person, uint64_t now_usec, unsigned *ret);
int __wrap_store_count_emergencies(struct store *s, int64_t person, uint64_t now_usec, unsigned *ret) {
        if (inject("store_count_emergencies"))
                return -EBUSY;
        *ret = 0;
        return 0;
}

int __wrap_store_add_emergency(struct store *s, const struct store_emergency *e);
int __wrap_store_add_emergency(struct store *s, const struct store_emergency *e) {
        if (inject("store_add_emergency"))
                return -EBUSY;
        fake.emergencies++;
        fake.emergency = *e;
        return 0;
}

int __wrap_store_commit_sign_in(struct store *s, const struct store_sign_in *in);
int __wrap_store_commit_sign_in(struct store *s, const struct store_sign_in *in) {
        if (inject("store_commit_sign_in"))
                return -EBUSY;
        fake.commits++;
        fake.committed = *in;
        return fake.commit_status;
}

int __wrap_store_note_badge(struct store *s, int64_t badge, uint64_t now_usec);
int __wrap_store_note_badge(struct store *s, int64_t badge, uint64_t now_usec) {
        if (!s)
                abort(); /* as the real one would */
        return inject("store_note_badge") ? -EBUSY : 0;
}

int __wrap_store_add_failure(struct store *s, int64_t person, const struct policy_clock *clock);
int __wrap_store_add_failure(struct store *s, int64_t person, const struct policy_clock *clock) {
        if (inject("store_add_failure"))
                return -EBUSY;
        fake.failures++;
        return 0;
}

int __wrap_store_version(struct store *s, uint64_t *ret);
int __wrap_store_version(struct store *s, uint64_t *ret) {
        *ret = 5;
        return 0;
}

struct store *__wrap_store_close(struct store *s);
struct store *__wrap_store_close(struct store *s) {
        return NULL;
}

int __wrap_store_save_account(struct store *state, const char *user, const struct store_account *a);
int __wrap_store_save_account(struct store *state, const char *user, const struct store_account *a) {
        fake.saved++;
        return 0;
}

int __wrap_account_find(struct account_child *c, struct store *state, const char *user, int module,
                        struct store_account *ret, bool *ret_cached);
int __wrap_account_find(struct account_child *c, struct store *state, const char *user, int module,
                        struct store_account *ret, bool *ret_cached) {
        if (inject("account_find"))
                return -EIO;
        *ret_cached = fake.cached;
        *ret = (struct store_account){.uid = FAKE_UID};
        return 0;
}

/* --- rules and clock */
bool __wrap_snapshot_refresh(struct snapshot *s);
bool __wrap_snapshot_refresh(struct snapshot *s) {
        return false;
}

int __wrap_clock_now(const char *boot_id, uint64_t not_before_usec, struct policy_clock *ret);
int __wrap_clock_now(const char *boot_id, uint64_t not_before_usec, struct policy_clock *ret) {
        if (inject("clock_now"))
                return -EINVAL;
        *ret = (struct policy_clock){.realtime_usec = 2000000, .trusted = true};
        return 0;
}

/* Small, and never kinder than the real one: what is needed and not proven is asked for. */
void __wrap_policy_decide(const struct policy_question *q, struct policy_decision *ret);
void __wrap_policy_decide(const struct policy_question *q, struct policy_decision *ret) {
        const struct policy_evidence *e = &q->evidence;
        const struct policy_elevation *given =
                q->person && q->person->n_elevations > 0 ? &q->person->elevations[0] : NULL;
        if (q->person)
                fake.asked_evidence = *e;
        *ret = (struct policy_decision){.service = &hidden.service, .needed = fake.needed};
        fake.asked_passing[0] = 0;
        for (size_t i = 0; q->passing && i < q->passing->n; i++) {
                size_t at = strlen(fake.asked_passing);
                (void) snprintf(fake.asked_passing + at, sizeof(fake.asked_passing) - at, "%s%s",
                                i ? "|" : "", q->passing->words[i]);
        }
        if (e->badge_ended) {
                ret->verdict = POLICY_DENY;
                ret->reason = REASON_BADGE_ENDED;
        } else if (fake.break_glass && e->emergency == EMERGENCY_ASKED) {
                ret->verdict =
                        e->emergency_reason || q->person->in_emergency ? POLICY_ALLOW : POLICY_NEED_REASON;
                ret->emergency = ret->verdict == POLICY_ALLOW ? EMERGENCY_ASKED : EMERGENCY_NONE;
                ret->resumes_emergency = q->person->in_emergency;
                ret->emergency_usec = 3600000000;
        } else if (fake.fixed) {
                ret->verdict = fake.verdict;
                ret->reason = fake.verdict_reason;
        } else if (e->badge_suspended && !(e->ticket && e->badge_reported)) {
                ret->verdict = POLICY_DENY;
                ret->reason = REASON_BADGE_SUSPENDED;
        } else if (e->ticket) {
                ret->verdict = POLICY_ALLOW;
                ret->lowered = true;
                ret->until_usec = e->ticket_until_usec;
        } else if ((fake.needed & FACTOR_BADGE || !q->person) && e->badge == BADGE_NONE)
                ret->verdict = POLICY_NEED_BADGE;
        else if (q->person && fake.says_no_key && !q->person->has_keys) {
                ret->verdict = POLICY_DENY;
                ret->reason = q->person->keys_suspended ? REASON_KEY_SUSPENDED : REASON_NO_KEY_ENROLLED;
        } else if (fake.needed & FACTOR_VERIFY && !e->key_verified)
                ret->verdict = POLICY_NEED_VERIFY;
        else if (fake.needed & FACTOR_KEY && !e->key_present)
                ret->verdict = POLICY_NEED_KEY;
        else
                *ret = (struct policy_decision){.verdict = POLICY_ALLOW,
                                                .service = &hidden.service,
                                                .aal = 2,
                                                .strong = !fake.grace,
                                                .grace = fake.grace,
                                                .grace_age_usec = 60000000,
                                                .elevated = given,
                                                .approver = given ? given->approver : NULL,
                                                .lent = e->badge_lent,
                                                .lender = e->lender,
                                                .until_usec = given || e->badge_lent ? 77 : 0};
        if (ret->verdict == POLICY_ALLOW && fake.excepted)
                ret->exception = &q->rules->exceptions[0];
        ret->failing = q->person ? fake.failing : 0;
}

/* --- FIDO */
int __wrap_fido_client_data_hash(const char *type, const uint8_t challenge[FIDO_CHALLENGE_SIZE],
                                 const char *rp_id, uint8_t ret[32]);
int __wrap_fido_client_data_hash(const char *type, const uint8_t challenge[FIDO_CHALLENGE_SIZE],
                                 const char *rp_id, uint8_t ret[32]) {
        if (inject("fido_client_data_hash"))
                return -EIO;
        if (strcmp(type, "webauthn.get") != 0)
                abort();
        memcpy(ret, challenge, 32);
        return 0;
}

enum reason __wrap_fido_check_assertion(const char *rp_id, const uint8_t client_data_hash[32],
                                        const uint8_t *public_key, size_t public_key_len,
                                        const uint8_t *authdata, size_t authdata_len,
                                        const uint8_t *signature, size_t signature_len,
                                        struct fido_assertion *ret);
enum reason __wrap_fido_check_assertion(const char *rp_id, const uint8_t client_data_hash[32],
                                        const uint8_t *public_key, size_t public_key_len,
                                        const uint8_t *authdata, size_t authdata_len,
                                        const uint8_t *signature, size_t signature_len,
                                        struct fido_assertion *ret) {
        if (inject("fido_check_assertion"))
                return REASON_KEY_FORGED;
        if (fake.fido_reason != REASON_NONE)
                return fake.fido_reason;
        static const uint8_t none[32];
        if (memcmp(fake.signed_hash, none, 32) != 0 && memcmp(fake.signed_hash, client_data_hash, 32) != 0)
                return REASON_KEY_FORGED; /* as fido_check_assertion() finds by the signature */
        *ret = (struct fido_assertion){.present = true, .verified = fake.uv, .counter = 9};
        return REASON_NONE;
}

/* --- the key */
int __wrap_device_get_assertion(const struct device_assert_request *q, unsigned deadline_ms,
                                struct device_operation **ret);
int __wrap_device_get_assertion(const struct device_assert_request *q, unsigned deadline_ms,
                                struct device_operation **ret) {
        if (inject("device_get_assertion"))
                return -ECONNREFUSED;
        fake.operations++;
        fake.open_operations++;
        fake.asked_verify = q->verify;
        memcpy(fake.asked_hash, q->client_data_hash, sizeof(fake.asked_hash));
        fake.asked_allow = q->n_allow;
        *ret = (struct device_operation *) &hidden;
        return 0;
}

int __wrap_device_fd(const struct device_operation *op);
int __wrap_device_fd(const struct device_operation *op) {
        return hidden.event;
}

int __wrap_device_next(struct device_operation *op, struct device_event *ret);
int __wrap_device_next(struct device_operation *op, struct device_event *ret) {
        if (inject("device_next")) {
                *ret = (struct device_event){.type = DEVICE_EVENT_FAILED, .reason = DEVICE_GONE};
                return 1;
        }
        if (hidden.at >= fake.n_script || (fake.script[hidden.at].after_pin && !hidden.pin_sent))
                return 0;
        *ret = fake.script[hidden.at++].event;
        return 1;
}

int __wrap_device_send_pin(struct device_operation *op, const char *pin);
int __wrap_device_send_pin(struct device_operation *op, const char *pin) {
        if (inject("device_send_pin"))
                return -EPIPE;
        if (strlen(pin) < 4)
                return -EINVAL;
        (void) snprintf(fake.sent_pin, sizeof(fake.sent_pin), "%s", pin);
        hidden.pin_sent = true;
        return 0;
}

struct device_operation *__wrap_device_operation_free(struct device_operation *op);
struct device_operation *__wrap_device_operation_free(struct device_operation *op) {
        if (op)
                fake.open_operations--;
        return NULL;
}

/* --- the whole */
void fake_add(enum device_event_type type, bool after_pin) {
        struct step *s = &fake.script[fake.n_script++];
        *s = (struct step){.event = {.type = type, .retries = -1}, .after_pin = after_pin};
        s->event.assertion.credential_id_len = 16;
        s->event.assertion.credential_id[0] = 2; /* the second key */
        if (!fake.nameless_key)
                memcpy(s->event.assertion.device, FAKE_DEVICE, sizeof(FAKE_DEVICE));
}

void fake_add_failure(enum device_reason reason, int retries, bool after_pin) {
        fake_add(DEVICE_EVENT_FAILED, after_pin);
        fake.script[fake.n_script - 1].event.reason = reason;
        fake.script[fake.n_script - 1].event.retries = retries;
}

void fake_reset(void) {
        record_clear(&fake.record);
        fake = (struct fake_world){
                .readers = 1,
                .tap = true,
                .uv = true,
                .grant_status = -ENOENT,
                .pin = "123456",
                .needed = FACTOR_BADGE | FACTOR_KEY | FACTOR_VERIFY,
        };
}

static const struct rule_exception exception = {
        .name = (char *) "new-key", .owner = (char *) "jo.lead", .until_usec = UINT64_C(1798131900000000)};
static const struct rule_check checks[] = {
        {.name = (char *) "disk"}, {.name = (char *) "updates"}, {.name = (char *) "scanner"}};

static void set_up(void) {
        hidden.at = 0;
        hidden.pin_sent = hidden.spoken = false;
        hidden.broker = hidden.registrar = hidden.listener = -1;
        hidden.event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        hidden.service = (struct rule_service){.name = (char *) (fake.service ? fake.service : "lightdm"),
                                               .use = fake.step_up ? USE_STEP_UP : USE_SIGN_IN};
        hidden.rules = (struct rules){.relying_party = (char *) "wardtap.example.org",
                                      .audit_required = fake.audit_required,
                                      .tickets = fake.tickets,
                                      .break_glass = {.present = fake.break_glass},
                                      .services = &hidden.service,
                                      .n_services = 1};
        hidden.rules.exceptions = (struct rule_exception *) &exception;
        hidden.rules.n_exceptions = 1;
        hidden.rules.checks = (struct rule_check *) checks;
        hidden.rules.n_checks = ELEMENTSOF(checks);
        hidden.snapshot = (struct snapshot){.rules = &hidden.rules};
        if (hidden.event < 0 ||
            socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, hidden.module) < 0)
                abort();
        if (fake.foreign_credential)
                for (unsigned i = 0; i < fake.n_script; i++)
                        fake.script[i].event.assertion.credential_id[0] = 77;
}

void fake_play(void) {
        struct wire_message start = {.version = fake.version ? fake.version : WIRE_VERSION,
                                     .type = WIRE_START,
                                     .start = {.hook = fake.seat ? WIRE_SEAT : WIRE_AUTHENTICATE,
                                               .silent = fake.silent,
                                               .again = fake.again}};
        const struct ucred peer = {.pid = 1, .uid = fake.caller};
        _cleanup_(attempt_freep) struct attempt *a = NULL;
        set_up();
        (void) snprintf(start.start.service, sizeof(start.start.service), "%s", hidden.service.name);
        if (fake.tty)
                (void) snprintf(start.start.tty, sizeof(start.start.tty), "%s", fake.tty);
        if (fake.user)
                (void) snprintf(start.start.user, sizeof(start.start.user), "%s", fake.user);
        bool started = fake.raw_start.n == 0 ||
                       (wire_read(fake.raw_start, &start) >= 0 && start.type == WIRE_START);
        if (started && attempt_new(hidden.module[0], &peer, &start, &hidden.snapshot, &a) >= 0) {
                a->people = a->state = (struct store *) &hidden;
                a->in_session = fake.in_session;
                if (fake.unit)
                        (void) snprintf(a->unit, sizeof(a->unit), "%s", fake.unit);
                attempt_play(a);
        }
        closep(&hidden.module[0]);
        closep(&hidden.module[1]);
        closep(&hidden.broker);
        closep(&hidden.registrar);
        closep(&hidden.listener);
        closep(&hidden.event);
}
