/* SPDX-License-Identifier: Apache-2.0 */
/* The stage: mounts, stacks, scripted attempts, a scripted application, and what was logged. */
#include "stage.h"

#include "common/paths.h"
#include "common/socket.h"
#include "common/util.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <syslog.h>
#include <cmocka.h>

static int listener = -1;
static pid_t attempt;

static void cannot_run(const char *why) {
        printf("skipped: %s: %s\n", why, strerror(errno));
        exit(77);
}

void stage_set(void) {
        if (geteuid() != 0) {
                errno = EPERM;
                cannot_run("needs root for a private /run and /var/lib");
        }
        if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
            mount("tmpfs", "/run", "tmpfs", 0, "mode=755") < 0 ||
            mount("tmpfs", "/var/lib", "tmpfs", 0, "mode=755") < 0)
                cannot_run("no private mounts here");
        (void) umask(022);
        if (mkdir(PATH_RUN, 0755) < 0 || mkdir(STAGE_STACKS, 0755) < 0 || mkdir(PATH_STATE, 0755) < 0 ||
            mkdir(PATH_RULES, 0755) < 0)
                cannot_run("mkdir");
        (void) setvbuf(stdout, NULL, _IOLBF, 0);
}

static void write_file(const char *path, const char *text) {
        FILE *f = fopen(path, "we");
        assert_non_null(f);
        assert_true(fputs(text, f) >= 0);
        assert_int_equal(fclose(f), 0);
}

void stage_services(const char *text) {
        (void) unlink(PATH_SERVICES);
        if (text)
                write_file(PATH_SERVICES, text);
}

void stage_stack(const char *service, const char *format) {
        char path[128], text[4096];
        size_t n = 0;
        for (const char *p = format; *p; p++) {
                const char *piece = *p == '%' ? MODULE_SO : p;
                size_t len = *p == '%' ? strlen(MODULE_SO) : 1;
                assert_true(n + len < sizeof(text));
                memcpy(text + n, piece, len);
                n += len;
        }
        text[n] = 0;
        assert_true(snprintf(path, sizeof(path), STAGE_STACKS "/%s", service) < (int) sizeof(path));
        write_file(path, text);
}

static void stop_listening(void) {
        (void) alarm(0);
        if (listener >= 0)
                (void) close(listener);
        listener = -1;
        (void) unlink(PATH_AUTH_SOCKET);
}

void attempt_listen(uid_t uid) {
        struct sockaddr_un sa = {.sun_family = AF_UNIX, .sun_path = PATH_AUTH_SOCKET};
        stop_listening();
        (void) alarm(
                20); /* ends the test where the module waits for an answer that nobody is there to give */
        listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        assert_true(listener >= 0);
        assert_int_equal(bind(listener, (const struct sockaddr *) &sa, sizeof(sa)), 0);
        assert_int_equal(seteuid(uid), 0);
        assert_int_equal(listen(listener, 64), 0);
        assert_int_equal(seteuid(0), 0);
}

static void play(script *s) {
        struct wire_message m;
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        expect(fd >= 0, "a connection");
        expect(hear_type(fd, &m) == WIRE_START && m.version == WIRE_VERSION, "START");
        s(fd, &m.start);
        (void) close(fd);
}

/* The path stays. */
static void let_the_attempt_listen(void) {
        (void) alarm(0);
        (void) close(listener);
        listener = -1;
}

void attempt_begin(script *s, unsigned connections) {
        attempt_listen(0);
        attempt = fork();
        assert_true(attempt >= 0);
        while (attempt == 0) {
                (void) alarm(60); /* a module that forgets us must not leave us behind */
                if (connections-- == 0)
                        _exit(0);
                play(s);
        }
        let_the_attempt_listen();
}

void attempt_serve(script *s) {
        attempt_listen(0);
        attempt = fork();
        assert_true(attempt >= 0);
        while (attempt == 0) {
                struct wire_message m;
                (void) alarm(60);
                int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
                expect(fd >= 0, "a connection");
                if (hear_type(fd, &m) == WIRE_START)
                        s(fd, &m.start);
                (void) close(fd);
        }
        let_the_attempt_listen();
}

void attempt_stop(void) {
        int status = 0;
        assert_int_equal(kill(attempt, SIGTERM), 0);
        assert_int_equal(waitpid(attempt, &status, 0), attempt);
        attempt = 0;
        stop_listening();
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

void attempt_end(void) {
        int status = -1;
        while (waitpid(attempt, &status, 0) < 0)
                assert_int_equal(errno, EINTR);
        attempt = 0;
        stop_listening();
        assert_int_equal(status, 0);
}

void attempt_was_not_asked(void) {
        assert_int_equal(fcntl(listener, F_SETFL, O_NONBLOCK), 0);
        assert_int_equal(accept4(listener, NULL, NULL, SOCK_CLOEXEC), -1);
        assert_int_equal(errno, EAGAIN);
        stop_listening();
}

void expect(bool ok, const char *what) {
        if (ok)
                return;
        (void) dprintf(2, "the attempt expected %s\n", what);
        _exit(1);
}

/* The module may have hung up already, as in real life. */
static void say(int fd, const struct wire_message *m) {
        int r = wire_send(fd, m);
        expect(r == 0 || r == -EPIPE || r == -ECONNRESET, "to send");
}

void say_user(int fd, const char *name) {
        struct wire_message m = {.version = WIRE_VERSION, .type = WIRE_USER};
        (void) snprintf(m.user, sizeof(m.user), "%s", name);
        say(fd, &m);
}

void say_text(int fd, enum wire_type type, const char *text) {
        struct wire_message m = {.version = WIRE_VERSION, .type = type};
        (void) snprintf(m.text, sizeof(m.text), "%s", text);
        say(fd, &m);
}

void say_prompt(int fd, const char *text) {
        struct wire_message m = {.version = WIRE_VERSION, .type = WIRE_PROMPT};
        (void) snprintf(m.prompt.text, sizeof(m.prompt.text), "%s", text);
        say(fd, &m);
}

void say_verdict(int fd, enum wire_verdict verdict) {
        struct wire_message m = {.version = WIRE_VERSION,
                                 .type = WIRE_VERDICT,
                                 .verdict = {verdict, STAGE_ATTEMPT, "7QF2M3"}};
        say(fd, &m);
}

void say_bytes(int fd, const void *p, size_t n) {
        (void) socket_send(fd, p, n);
}

int hear_type(int fd, struct wire_message *ret) {
        struct wire_message m;
        int r;
        do {
                r = socket_wait(fd, now_monotonic_usec() + 30000000U);
                if (r == 0)
                        r = wire_receive(fd, &m);
        } while (r == -EAGAIN);
        if (r < 0)
                return -1;
        if (ret)
                *ret = m;
        return (int) m.type;
}

static int answer(struct app *a, struct pam_response **resp) {
        if (a->manner == FAILS)
                return PAM_CONV_ERR;
        *resp = a->manner == NO_RESPONSE ? NULL : calloc(1, sizeof(**resp));
        if (*resp && a->manner != NO_TEXT)
                (*resp)->resp = strdup(a->answer ? a->answer : "");
        return a->manner == FAILS_WITH_ANSWER ? PAM_CONV_ERR : PAM_SUCCESS;
}

static int converse(int n, const struct pam_message **msg, struct pam_response **resp, void *data) {
        struct app *a = data;
        assert_int_equal(n, 1);
        a->last_style = msg[0]->msg_style;
        (void) snprintf(a->last_text, sizeof(a->last_text), "%s", msg[0]->msg);
        if (a->during)
                a->during(a);
        if (a->last_style == PAM_PROMPT_ECHO_OFF || a->last_style == PAM_PROMPT_ECHO_ON) {
                a->n_asked++;
                return answer(a, resp);
        }
        a->n_shown++;
        *resp = NULL;
        return a->manner == FAILS ? PAM_CONV_ERR : PAM_SUCCESS;
}

static void delayed(int code, unsigned usec, void *data) {
        struct app *a = data;
        a->delay_usec = usec;
}

void app_start(struct app *a, const char *service, const char *user, bool conv) {
        a->conv = (struct pam_conv){conv ? converse : NULL, a};
        assert_int_equal(pam_start_confdir(service, user, &a->conv, STAGE_STACKS, &a->h), PAM_SUCCESS);
        assert_int_equal(pam_set_item(a->h, PAM_FAIL_DELAY, (const void *) delayed), PAM_SUCCESS);
}

int app_authenticate(struct app *a, int flags) {
        a->delay_usec = 0;
        int code = pam_authenticate(a->h, flags);
        assert_int_not_equal(code, PAM_IGNORE);
        if (code != PAM_SUCCESS) /* two seconds, which libpam makes one to three */
                assert_in_range(a->delay_usec, 1000000, 3000000);
        return code;
}

void app_end(struct app *a) {
        assert_int_equal(pam_end(a->h, PAM_SUCCESS), PAM_SUCCESS);
        a->h = NULL;
}

const char *app_user(struct app *a) {
        const void *item = NULL;
        assert_int_equal(pam_get_item(a->h, PAM_USER, &item), PAM_SUCCESS);
        return item ? item : "";
}

/* libpam's calls of syslog(3) end here. */
static char logged[65536];
static size_t n_logged;

const char *log_text(void) {
        return logged;
}

void log_clear(void) {
        n_logged = 0;
        logged[0] = 0;
}

__attribute__((format(printf, 1, 0))) static void keep(const char *format, va_list args) {
        int n = vsnprintf(logged + n_logged, sizeof(logged) - n_logged, format, args);
        if (n > 0 && n_logged + (size_t) n + 2 < sizeof(logged)) {
                n_logged += (size_t) n;
                logged[n_logged++] = '\n';
                logged[n_logged] = 0;
        }
}

#define CATCH __attribute__((visibility("default"), format(printf, 2, 3)))
#undef syslog
CATCH void syslog(int priority, const char *format, ...) {
        va_list args;
        va_start(args, format);
        keep(format, args);
        va_end(args);
}

__attribute__((visibility("default"), format(printf, 3, 4))) void __syslog_chk(int priority, int flag,
                                                                               const char *format, ...);
void __syslog_chk(int priority, int flag, const char *format, ...) {
        va_list args;
        va_start(args, format);
        keep(format, args);
        va_end(args);
}
