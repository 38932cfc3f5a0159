/* SPDX-License-Identifier: Apache-2.0 */
/* A wardtap-device without pcscd: readers and cards are what commands on standard input say, so that taps
 * can come as fast as a test wants them. Operations on keys go to the true service at REAL; whether one is
 * plugged in is what commands say, and while one is, it is that one which answers.
 *
 *   taps REAL
 *
 *   reader NAME | unreader NAME       a reader comes or goes ("_" stands for a space in all names)
 *   in READER NUMBER                  a badge is laid on it, by its number in hexadecimal
 *   out READER                        it is taken away
 *   tap READER NUMBER                 both
 *   burst N PER-SECOND READER NUMBER [NUMBER]...   so many taps, of the numbers in turn
 *   lost | ready                      pcscd went, and is back
 *   key ID | unkey                    a key is plugged in, by its id (32 hexadecimal digits), or taken out
 *   watched | unwatched               wardtap-idle is there (this program stands for it), or not
 *   active                            it says that somebody typed
 *
 * Each is answered by "ok" on standard output. */
#include "common/bytes.h"
#include "common/paths.h"
#include "common/socket.h"
#include "common/util.h"
#include "devices/wire.h"
#include "helper/input.h"

#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

#define WATCHERS_MAX 16U
#define WORDS_MAX 64U

struct reader {
        char name[DEVICE_READER_MAX + 1];
        uint8_t number[DEVICE_NUMBER_MAX];
        size_t n; /* 0: no card on it */
        bool read;
};

struct service {
        const char *real;
        int listener, watchers[WATCHERS_MAX];
        size_t n_watchers;
        int key_watcher;       /* -1: none */
        struct device_key key; /* plugged in; id "": none */
        struct reader readers[DEVICE_READERS_MAX];
        size_t n_readers;
        int input; /* to wardtapd, in the place of wardtap-idle; -1: none */
};

static void tell(int fd, const struct device_event *e) {
        uint8_t buf[SOCKET_MESSAGE_MAX];
        struct writer w = {.p = buf, .size = sizeof(buf)};
        device_event_write(&w, e);
        (void) socket_send(fd, buf, w.n); /* who asked may be gone */
}

static void tell_watchers(struct service *s, const struct device_event *e) {
        for (size_t i = 0; i < s->n_watchers; i++)
                tell(s->watchers[i], e);
}

static struct device_event about(enum device_event_type type, const char *reader) {
        struct device_event e = {.type = type, .seen_usec = now_monotonic_usec()};
        (void) snprintf(e.reader, sizeof(e.reader), "%s", reader);
        return e;
}

static struct reader *find(struct service *s, const char *name) {
        for (size_t i = 0; i < s->n_readers; i++)
                if (strcmp(s->readers[i].name, name) == 0)
                        return &s->readers[i];
        return NULL;
}

/* --- who asks */

static void identify(struct service *s, int fd, const char *name) {
        struct device_event e = {.type = DEVICE_EVENT_FAILED, .reason = DEVICE_NO_CARD, .retries = -1};
        struct reader *r = find(s, name);
        if (r && r->n > 0) {
                r->read = true;
                e.type = DEVICE_EVENT_BADGE;
                (void) snprintf(e.badge.kind, sizeof(e.badge.kind), "mifare-classic-1k");
                memcpy(e.badge.number, r->number, r->n);
                e.badge.number_len = r->n;
        }
        tell(fd, &e);
}

/* What the key signed says nothing of the port it is in. */
static void name_key(const struct service *s, uint8_t *buf, size_t size, size_t *n) {
        struct device_event e;
        struct writer w = {.p = buf, .size = size};
        if (device_event_read((struct bytes){buf, *n}, &e) < 0 || e.type != DEVICE_EVENT_ASSERTION)
                return;
        memcpy(e.assertion.device, s->key.id, sizeof(s->key.id));
        device_event_write(&w, &e);
        *n = w.n;
}

/* Everything else in a process of its own, until either side hangs up. */
static void relay(const struct service *s, int fd, const void *first, size_t n) {
        uint8_t buf[SOCKET_MESSAGE_MAX];
        int real;
        if (fork() != 0)
                return;
        if (socket_connect(s->real, 0, &real) < 0 || socket_send(real, first, n) < 0)
                _exit(1);
        for (;;) {
                struct pollfd p[] = {{fd, POLLIN | POLLRDHUP, 0}, {real, POLLIN | POLLRDHUP, 0}};
                (void) poll(p, 2, -1);
                bool from_real = p[1].revents;
                int r = socket_receive(from_real ? real : fd, buf, sizeof(buf), &n);
                if (r == 0 && from_real)
                        name_key(s, buf, sizeof(buf), &n);
                if (r == 0)
                        r = socket_send(from_real ? fd : real, buf, n);
                if (r < 0 && r != -EAGAIN)
                        _exit(0);
        }
}

static void watch(struct service *s, int fd) {
        struct device_event ready = {.type = DEVICE_EVENT_PCSC_READY};
        if (s->n_watchers == WATCHERS_MAX)
                return;
        s->watchers[s->n_watchers++] = fd;
        tell(fd, &ready);
        for (size_t i = 0; i < s->n_readers; i++) {
                struct device_event e = about(DEVICE_EVENT_READER_ATTACHED, s->readers[i].name);
                e.present = s->readers[i].n > 0;
                tell(fd, &e);
        }
}

static void tell_key(struct service *s, bool attached) {
        struct device_event e = {.type = attached ? DEVICE_EVENT_KEY_ATTACHED : DEVICE_EVENT_KEY_DETACHED,
                                 .key = s->key};
        if (s->key_watcher >= 0)
                tell(s->key_watcher, &e);
}

static void watch_keys(struct service *s, int fd) {
        const struct device_event listed = {.type = DEVICE_EVENT_KEYS_LISTED};
        closep(&s->key_watcher);
        s->key_watcher = fd;
        if (s->key.id[0])
                tell_key(s, true);
        tell(fd, &listed);
}

static void serve(struct service *s, int fd) {
        uint8_t buf[SOCKET_MESSAGE_MAX];
        struct device_request q;
        size_t n;
        if (socket_wait(fd, now_monotonic_usec() + 5000000) < 0 ||
            socket_receive(fd, buf, sizeof(buf), &n) < 0 ||
            device_request_read((struct bytes){buf, n}, &q) < 0) {
                (void) close(fd);
                return;
        }
        if (q.op == DEVICE_OP_WATCH) {
                watch(s, fd);
                return;
        }
        if (q.op == DEVICE_OP_WATCH_KEYS) {
                watch_keys(s, fd);
                return;
        }
        if (q.op == DEVICE_OP_IDENTIFY)
                identify(s, fd, q.reader);
        else
                relay(s, fd, buf, n);
        (void) close(fd);
}

static void lose_watcher(struct service *s, size_t i) {
        (void) close(s->watchers[i]);
        s->watchers[i] = s->watchers[--s->n_watchers];
}

/* Serves until there is a command to read, or the deadline. */
static void serve_until(struct service *s, bool commands, uint64_t deadline_usec) {
        for (;;) {
                struct pollfd p[2 + WATCHERS_MAX] = {{s->listener, POLLIN, 0},
                                                     {commands ? 0 : -1, POLLIN, 0}};
                uint64_t now = now_monotonic_usec();
                int fd, wait_ms = -1;
                for (size_t i = 0; i < s->n_watchers; i++)
                        p[2 + i] = (struct pollfd){s->watchers[i], POLLIN, 0};
                if (deadline_usec != UINT64_MAX)
                        wait_ms = now >= deadline_usec ? 0 : (int) ((deadline_usec - now + 999) / 1000);
                if (poll(p, 2 + s->n_watchers, wait_ms) == 0 || p[1].revents)
                        return;
                for (size_t i = s->n_watchers; i > 0; i--)
                        if (p[1 + i].revents)
                                lose_watcher(s, i - 1);
                if (p[0].revents && socket_accept(s->listener, NULL, &fd) >= 0)
                        serve(s, fd);
        }
}

/* --- what is told */

static void lay(struct service *s, struct reader *r, const char *number) {
        struct device_event e = about(DEVICE_EVENT_CARD_INSERTED, r->name);
        r->read = false;
        if (hex_decode(number, r->number, sizeof(r->number), &r->n) < 0)
                r->n = 0;
        tell_watchers(s, &e);
}

static void lift(struct service *s, struct reader *r) {
        struct device_event e = about(DEVICE_EVENT_CARD_REMOVED, r->name);
        r->n = 0;
        tell_watchers(s, &e);
}

/* A badge lies until it was read, or nobody wants to read it. wardtapd may take a second: it looks at a
 * watch only so many times in one. */
#define TAP_USEC 1500000U

static void tap(struct service *s, struct reader *r, const char *number, uint64_t usec) {
        uint64_t end = now_monotonic_usec() + usec;
        lay(s, r, number);
        while (!r->read && now_monotonic_usec() < end)
                serve_until(s, false, now_monotonic_usec() + 1000);
        lift(s, r);
}

static void burst(struct service *s, char **word, size_t n) {
        uint64_t count, rate, at = now_monotonic_usec();
        struct reader *r = n > 4 ? find(s, word[3]) : NULL;
        if (!r || parse_u64(word[1], 1000000, &count) < 0 || parse_u64(word[2], 1000, &rate) < 0 ||
            rate == 0)
                return;
        for (uint64_t i = 0; i < count; i++) {
                tap(s, r, word[4 + i % (n - 4)], 1000000 / rate / 2);
                at += 1000000 / rate;
                serve_until(s, false, at);
        }
}

static void change_reader(struct service *s, const char *name, bool comes) {
        struct device_event e =
                about(comes ? DEVICE_EVENT_READER_ATTACHED : DEVICE_EVENT_READER_DETACHED, name);
        struct reader *r = find(s, name);
        e.present = comes && r && r->n > 0;
        if (comes && !r && s->n_readers < DEVICE_READERS_MAX) {
                r = &s->readers[s->n_readers++];
                *r = (struct reader){.n = 0};
                (void) snprintf(r->name, sizeof(r->name), "%s", name);
        } else if (!comes && r) {
                *r = s->readers[--s->n_readers];
        }
        tell_watchers(s, &e);
}

static void change_key(struct service *s, const char *id) {
        if (!id)
                tell_key(s, false);
        s->key = (struct device_key){.product = "Virtual key"};
        if (id && text_copy(s->key.id, sizeof(s->key.id), id) >= 0)
                tell_key(s, true);
}

static void stand_for_idle(struct service *s, const char *what) {
        static const uint8_t active[] = {INPUT_VERSION, INPUT_ACTIVE};
        if (strcmp(what, "active") == 0 && s->input >= 0) {
                (void) socket_send(s->input, active, sizeof(active));
                return;
        }
        closep(&s->input);
        if (strcmp(what, "watched") == 0 && socket_connect(PATH_INPUT_SOCKET, 0, &s->input) < 0)
                s->input = -1;
}

static void obey(struct service *s, char **word, size_t n) {
        struct device_event pcsc = {.type = strcmp(word[0], "lost") == 0 ? DEVICE_EVENT_PCSC_LOST
                                                                         : DEVICE_EVENT_PCSC_READY};
        struct reader *r = n > 1 ? find(s, word[1]) : NULL;
        if (strcmp(word[0], "burst") == 0)
                burst(s, word, n);
        else if (n == 2 && (strcmp(word[0], "reader") == 0 || strcmp(word[0], "unreader") == 0))
                change_reader(s, word[1], word[0][0] == 'r');
        else if (strcmp(word[0], "watched") == 0 || strcmp(word[0], "unwatched") == 0 ||
                 strcmp(word[0], "active") == 0)
                stand_for_idle(s, word[0]);
        else if ((n == 2 && strcmp(word[0], "key") == 0) || strcmp(word[0], "unkey") == 0)
                change_key(s, n == 2 ? word[1] : NULL);
        else if (n == 1)
                tell_watchers(s, &pcsc);
        else if (r && n == 3 && strcmp(word[0], "tap") == 0)
                tap(s, r, word[2], TAP_USEC);
        else if (r && n == 3 && strcmp(word[0], "in") == 0)
                lay(s, r, word[2]);
        else if (r && n == 2 && strcmp(word[0], "out") == 0)
                lift(s, r);
}

static void obey_line(struct service *s, char *line) {
        char *word[WORDS_MAX];
        size_t n = 0;
        line[strcspn(line, "\n")] = 0;
        for (char *p = line, *w; n < WORDS_MAX && (w = strsep(&p, " "));) {
                for (char *c = w; *c; c++)
                        if (*c == '_')
                                *c = ' ';
                word[n++] = w;
        }
        obey(s, word, n);
        (void) puts("ok");
        (void) fflush(stdout);
}

static int listen_at(const char *path) {
        struct sockaddr_un sa = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        const struct group *group = getgrnam("wardtap");
        (void) snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
        (void) unlink(path);
        if (fd < 0 || !group || bind(fd, (const struct sockaddr *) &sa, sizeof(sa)) < 0 ||
            chown(path, 0, group->gr_gid) < 0 || chmod(path, 0660) < 0 || listen(fd, 64) < 0)
                abort();
        return fd;
}

int main(int argc, char **argv) {
        static struct service s;
        char line[4096];
        if (argc != 2)
                return 2;
        (void) signal(SIGCHLD, SIG_IGN);
        s.input = s.key_watcher = -1;
        s.real = argv[1];
        s.listener = listen_at(PATH_DEVICE_SOCKET);
        (void) setvbuf(stdin, NULL, _IONBF, 0);
        (void) puts("listening");
        (void) fflush(stdout);
        for (;;) {
                serve_until(&s, true, UINT64_MAX);
                if (!fgets(line, sizeof(line), stdin))
                        return 0;
                obey_line(&s, line);
        }
}
