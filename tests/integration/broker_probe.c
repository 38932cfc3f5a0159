/* SPDX-License-Identifier: Apache-2.0 */
/* broker_probe: one client of wardtapd, driven by lines on stdin; what wardtapd says goes to stdout, a line
 * each. For integration tests.
 *
 *   hello sign-in|enrol|admin|session|step-up [ATTEMPT [SERVICE [SEAT]]]
 *   want-tap
 *   ask-session UID
 *   record EVENT OUTCOME [FIELD=VALUE]...      a value's spaces are written as _
 *   burst N EVENT OUTCOME [FIELD=VALUE]...     N such records, one after the other, each awaited
 *   session-open UID ATTEMPT PID
 *   session-close UID ATTEMPT
 *   switch UID USER UNIT
 *   ask-grant UID USER UNIT
 *   raw HEX                                    these bytes as one message
 *   wait                                       for one message
 *   flood N                                    N want-taps without reading an answer
 *
 * Answers: "waiting N", "tap ID READER PROBLEM TOKEN KIND INDEXES NUMBER", "session 0|1",
 * "recorded STATUS SEQ USEC" (USEC: since it was asked for), "switched STATUS", "grant STATUS ATTEMPT",
 * "gone" when wardtapd hung up. Each command that has an answer waits for it, at most 25 seconds, and prints
 * "timeout" otherwise. */
#include "common/broker.h"
#include "common/paths.h"
#include "common/socket.h"
#include "common/util.h"

#include <errno.h>
#include <stdio.h>
#include <sys/syscall.h>

#define WAIT_USEC (25U * 1000000U) /* longer than BROKER_READERS_USEC */
#define WORDS_MAX 64U

static int fd = -1;

static void say_tap(const struct tap *t) {
        char number[2 * BADGE_NUMBER_MAX + 1];
        hex_encode(t->number, t->number_len, number);
        (void) printf("tap %llu \"%s\" %d %s %s %zu %s\n", (unsigned long long) t->id, t->reader,
                      (int) t->problem, *t->token ? t->token : "-", *t->kind ? t->kind : "-", t->n_indexes,
                      *number ? number : "-");
}

/* True for the kind of answer that was waited for. */
static bool say(const struct broker_message *m, uint64_t since_usec, enum broker_type awaited) {
        switch (m->type) {
        case BROKER_WAITING:
                (void) printf("waiting %u\n", m->waiting.readers);
                break;
        case BROKER_TAP:
                say_tap(&m->tap);
                break;
        case BROKER_SESSION:
                (void) printf("session %d\n", (int) m->session.presence);
                break;
        case BROKER_RECORDED:
                (void) printf("recorded %d %llu %llu\n", m->recorded.status,
                              (unsigned long long) m->recorded.seq,
                              (unsigned long long) (now_monotonic_usec() - since_usec));
                break;
        case BROKER_SWITCHED:
                (void) printf("switched %d\n", m->switched.status);
                break;
        case BROKER_GRANT:
                (void) printf("grant %d %s\n", m->grant.status, *m->grant.attempt ? m->grant.attempt : "-");
                break;
        default:
                (void) printf("other %d\n", (int) m->type);
        }
        return awaited == BROKER_TYPE_INVALID || m->type == awaited;
}

/* Waits for a message of this type (INVALID: any), saying all that come. False when there was none. */
static bool await(enum broker_type type) {
        uint64_t since = now_monotonic_usec();
        for (;;) {
                _cleanup_(broker_message_clear) struct broker_message m = {.type = BROKER_TYPE_INVALID};
                if (socket_wait(fd, since + WAIT_USEC) < 0) {
                        (void) printf("timeout\n");
                        return false;
                }
                int r = broker_receive(fd, &m);
                if (r == -EAGAIN)
                        continue;
                if (r < 0) {
                        (void) printf("gone\n");
                        return false;
                }
                if (say(&m, since, type))
                        return true;
        }
}

static void hello(char **w, size_t n) {
        static const char *const names[] = {NULL, "sign-in", "enrol", "admin", "session", "step-up", "seat"};
        for (int i = 1; n > 1 && i < BROKER_PURPOSE_MAX; i++) {
                if (strcmp(names[i], w[1]) != 0)
                        continue;
                closep(&fd);
                struct broker_hello h = {.purpose = (enum broker_purpose) i};
                int r = text_copy(h.attempt, sizeof(h.attempt), n > 2 ? w[2] : "");
                if (r >= 0)
                        r = text_copy(h.service, sizeof(h.service), n > 3 ? w[3] : "");
                if (r >= 0)
                        r = text_copy(h.seat, sizeof(h.seat), n > 4 ? w[4] : "");
                if (r >= 0)
                        r = broker_connect(&h, &fd);
                (void) printf(r < 0 ? "error %s\n" : "connected\n", strerror(-r));
                return;
        }
        (void) printf("error purpose\n");
}

static int set_field(struct record *r, char *text) {
        char *value = strchr(text, '=');
        if (!value)
                return -EINVAL;
        *value++ = 0;
        for (char *p = value; *p; p++)
                if (*p == '_')
                        *p = ' ';
        for (unsigned i = 0; i < RECORD_FIELD_MAX; i++)
                if (strcmp(record_field_name((enum record_field) i) + strlen("WARDTAP_"), text) == 0)
                        return record_set(r, (enum record_field) i, value);
        return -EINVAL;
}

static void record(char **w, size_t n, uint64_t times) {
        _cleanup_(record_clear) struct record r = {.event = RECORD_EVENT_INVALID};
        if (n < 3 || (r.event = record_event_from_name(w[1])) == RECORD_EVENT_INVALID) {
                (void) printf("error event\n");
                return;
        }
        r.outcome = strcmp(w[2], "0") == 0 ? RECORD_SUCCESS : RECORD_FAILURE;
        for (size_t i = 3; i < n; i++)
                if (set_field(&r, w[i]) < 0) {
                        (void) printf("error field %s\n", w[i]);
                        return;
                }
        for (uint64_t i = 0; i < times; i++) {
                const struct broker_message m = {.type = BROKER_RECORD, .record = r};
                if (broker_send(fd, &m) < 0) {
                        (void) printf("gone\n");
                        return;
                }
                if (!await(BROKER_RECORDED))
                        return;
        }
}

static int change_session(int socket, enum broker_type type, uid_t uid, const char *attempt, int pidfd) {
        struct broker_message m = {.type = type, .session_change.uid = uid};
        int r = text_copy(m.session_change.attempt, sizeof(m.session_change.attempt), attempt);
        return r < 0 ? r : broker_change_session(socket, &m, pidfd, now_monotonic_usec() + WAIT_USEC);
}

static void session(char **w, size_t n, bool open) {
        uint64_t uid, pid = 0;
        int pidfd = -1, r;
        if (n < (open ? 4U : 3U) || parse_u64(w[1], UINT32_MAX, &uid) < 0 ||
            (open && parse_u64(w[3], INT32_MAX, &pid) < 0)) {
                (void) printf("error arguments\n");
                return;
        }
        if (open) {
                pidfd = (int) syscall(SYS_pidfd_open, (pid_t) pid, 0);
                r = change_session(fd, BROKER_SESSION_OPEN, (uid_t) uid, w[2], pidfd);
                closep(&pidfd);
        } else {
                r = change_session(fd, BROKER_SESSION_CLOSE, (uid_t) uid, w[2], -1);
        }
        (void) printf("recorded %d\n", r);
}

static void raw(const char *hex) {
        uint8_t bytes[512];
        size_t n;
        if (hex_decode(hex, bytes, sizeof(bytes), &n) == 0 && socket_send(fd, bytes, n) == 0)
                (void) await(BROKER_TYPE_INVALID);
        else
                (void) printf("error\n");
}

static void want_tap(uint64_t times) {
        const struct broker_message m = {.type = BROKER_WANT_TAP};
        for (uint64_t i = 0; i < times; i++)
                if (broker_send(fd, &m) < 0) {
                        (void) printf("gone\n");
                        return;
                }
        if (times == 1)
                (void) await(BROKER_WAITING);
}

static void ask_session(const char *text) {
        struct broker_message m = {.type = BROKER_ASK_SESSION};
        uint64_t uid;
        if (parse_u64(text, UINT32_MAX, &uid) < 0)
                return;
        m.ask_session.uid = (uid_t) uid;
        if (broker_send(fd, &m) == 0)
                (void) await(BROKER_SESSION);
        else
                (void) printf("gone\n");
}

static void about_person(char **w, size_t n, enum broker_type type, enum broker_type answer) {
        struct broker_message m = {.type = type};
        uint64_t uid;
        if (n != 4 || parse_u64(w[1], UINT32_MAX, &uid) < 0 ||
            text_copy(m.person.user, sizeof(m.person.user), w[2]) < 0 ||
            text_copy(m.person.unit, sizeof(m.person.unit), w[3]) < 0) {
                (void) printf("error arguments\n");
                return;
        }
        m.person.uid = (uid_t) uid;
        if (broker_send(fd, &m) == 0)
                (void) await(answer);
        else
                (void) printf("gone\n");
}

static void run(char *line) {
        char *w[WORDS_MAX], *rest = line;
        size_t n = 0;
        uint64_t times = 0;
        for (char *word; n < WORDS_MAX && (word = strsep(&rest, " \n"));)
                if (*word)
                        w[n++] = word;
        if (n == 0)
                return;
        if (n > 1 && (strcmp(w[0], "burst") == 0 || strcmp(w[0], "flood") == 0))
                (void) parse_u64(w[1], 1000000, &times);
        if (strcmp(w[0], "hello") == 0)
                hello(w, n);
        else if (strcmp(w[0], "want-tap") == 0)
                want_tap(1);
        else if (strcmp(w[0], "flood") == 0)
                want_tap(times);
        else if (strcmp(w[0], "ask-session") == 0 && n > 1)
                ask_session(w[1]);
        else if (strcmp(w[0], "record") == 0)
                record(w, n, 1);
        else if (strcmp(w[0], "burst") == 0 && n > 2)
                record(w + 1, n - 1, times);
        else if (strcmp(w[0], "session-open") == 0)
                session(w, n, true);
        else if (strcmp(w[0], "session-close") == 0)
                session(w, n, false);
        else if (strcmp(w[0], "switch") == 0)
                about_person(w, n, BROKER_SWITCH, BROKER_SWITCHED);
        else if (strcmp(w[0], "ask-grant") == 0)
                about_person(w, n, BROKER_ASK_GRANT, BROKER_GRANT);
        else if (strcmp(w[0], "raw") == 0 && n > 1)
                raw(w[1]);
        else if (strcmp(w[0], "wait") == 0)
                (void) await(BROKER_TYPE_INVALID);
        else
                (void) printf("error command\n");
}

int main(void) {
        char line[4096];
        (void) setvbuf(stdout, NULL, _IOLBF, 0);
        while (fgets(line, sizeof(line), stdin))
                run(line);
        closep(&fd);
        return 0;
}
