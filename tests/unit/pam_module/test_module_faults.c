/* SPDX-License-Identifier: Apache-2.0 */
/* Each call that the module makes fails once, at each place: the hook it happens in never succeeds, nothing
 * is ever ignored, nothing leaks. */
#include "stage.h"

#include "common/paths.h"
#include "common/util.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <cmocka.h>

typedef int hook_fn(pam_handle_t *pamh, int flags, int argc, const char **argv);
extern hook_fn *const trampoline_hooks[4];

/* The call that fails: the n-th of this name, once. */
static struct {
        const char *call;
        unsigned n;
        int error;
        bool harmless; /* a failure that the module must get over */
        bool forever;  /* each call from the n-th on */
        bool armed;    /* inside a hook */
        bool fired;
} fault;

static bool fails(const char *call) {
        if (!fault.armed || !fault.call || strcmp(call, fault.call) != 0)
                return false;
        if (fault.fired ? !fault.forever : --fault.n > 0)
                return false;
        fault.fired = true;
        errno = fault.error;
        return true;
}

static void fail_at(const char *call, unsigned n, int error) {
        memset(&fault, 0, sizeof(fault));
        fault.call = call;
        fault.n = n;
        fault.error = error;
}

/* The armed hook of the module: only what it does itself can fail. */
static int armed(hook_fn *hook, pam_handle_t *pamh, int flags, int argc, const char **argv) {
        bool fired = fault.fired;
        fault.armed = true;
        int code = hook(pamh, flags, argc, argv);
        fault.armed = false;
        assert_int_not_equal(code, PAM_IGNORE);
        if (fault.fired && !fired && !fault.harmless && code == PAM_SUCCESS)
                fail_msg("a hook succeeded although %s failed in it", fault.call);
        return code;
}

#define HOOK(name)                                                                                          \
        static int name(pam_handle_t *pamh, int flags, int argc, const char **argv) {                       \
                return armed(pam_sm_##name, pamh, flags, argc, argv);                                       \
        }
HOOK(authenticate)
HOOK(setcred)
HOOK(open_session)
HOOK(close_session)
__attribute__((visibility("default")))
hook_fn *const trampoline_hooks[4] = {authenticate, setcred, open_session, close_session};

/* A wrapped call of the module's. */
#define WRAP(type, name, failed, params, args)                                                              \
        type __real_##name params;                                                                          \
        type __wrap_##name params;                                                                          \
        type __wrap_##name params {                                                                         \
                return fails(#name) ? (failed) : __real_##name args;                                        \
        }
WRAP(void *, malloc, NULL, (size_t n), (n))
WRAP(void *, calloc, NULL, (size_t n, size_t size), (n, size))
int __real_open64(const char *path, int flags, mode_t mode);
int __wrap_open64(const char *path, int flags, mode_t mode);
int __wrap_open64(const char *path, int flags, mode_t mode) {
        if (fault.armed) /* pitfalls 4, 5 and 6 */
                assert_int_equal(flags & (O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK),
                                 O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        return fails("open") ? -1 : __real_open64(path, flags, mode);
}
int __wrap_open(const char *path, int flags, mode_t mode);
int __wrap_open(const char *path, int flags, mode_t mode) {
        return __wrap_open64(path, flags, mode);
}
WRAP(int, fstat, -1, (int fd, struct stat *st), (fd, st))
WRAP(int, fstat64, -1, (int fd, struct stat *st), (fd, st))
WRAP(ssize_t, read, -1, (int fd, void *p, size_t n), (fd, p, n))
WRAP(int, socket, -1, (int domain, int type, int protocol), (domain, type, protocol))
WRAP(int, connect, -1, (int fd, const struct sockaddr *sa, socklen_t n), (fd, sa, n))
WRAP(int, getsockopt, -1, (int fd, int level, int name, void *p, socklen_t *n), (fd, level, name, p, n))
WRAP(ssize_t, send, -1, (int fd, const void *p, size_t n, int flags), (fd, p, n, flags))
WRAP(ssize_t, recvmsg, -1, (int fd, struct msghdr *m, int flags), (fd, m, flags))
ssize_t __real___read_chk(int fd, void *p, size_t n, size_t size);
ssize_t __wrap___read_chk(int fd, void *p, size_t n, size_t size);
ssize_t __wrap___read_chk(int fd, void *p, size_t n, size_t size) {
        return fails("read") ? -1 : __real___read_chk(fd, p, n, size);
}

static unsigned waited_msec; /* by waits that ended with their time */
static bool stalled;         /* nobody ever answers: every wait that has an end ends at once */

int __real_ppoll(struct pollfd *p, nfds_t n, const struct timespec *ts, const sigset_t *mask);
int __wrap_ppoll(struct pollfd *p, nfds_t n, const struct timespec *ts, const sigset_t *mask);
int __wrap_ppoll(struct pollfd *p, nfds_t n, const struct timespec *ts, const sigset_t *mask) {
        if (fails("ppoll"))
                return -1;
        if (!fault.armed || !stalled)
                return __real_ppoll(p, n, ts, mask);
        assert_non_null(ts); /* it would wait for ever */
        waited_msec += (unsigned) (ts->tv_sec * 1000 + ts->tv_nsec / 1000000);
        return 0;
}

WRAP(int, pam_get_item, PAM_SYSTEM_ERR, (const pam_handle_t *pamh, int type, const void **ret),
     (pamh, type, ret))
WRAP(int, pam_set_item, PAM_BUF_ERR, (pam_handle_t * pamh, int type, const void *item), (pamh, type, item))
WRAP(int, pam_putenv, PAM_BUF_ERR, (pam_handle_t * pamh, const char *s), (pamh, s))
typedef void cleanup_fn(pam_handle_t *pamh, void *data, int status);
WRAP(int, pam_set_data, PAM_BUF_ERR, (pam_handle_t * pamh, const char *name, void *data, cleanup_fn *f),
     (pamh, name, data, f))

int pam_vprompt(pam_handle_t *pamh, int style, char **response, const char *format, va_list args);
int __wrap_pam_prompt(pam_handle_t *pamh, int style, char **response, const char *format, ...);
int __wrap_pam_prompt(pam_handle_t *pamh, int style, char **response, const char *format, ...) {
        if (fails("pam_prompt"))
                return PAM_BUF_ERR;
        va_list args;
        va_start(args, format);
        int code = pam_vprompt(pamh, style, response, format, args);
        va_end(args);
        return code;
}

/* An honest attempt, which allows only after an answer. */
static void is_honest(int fd, const struct wire_start *s) {
        struct wire_message m;
        if (s->hook == WIRE_AUTHENTICATE) {
                say_text(fd, WIRE_INFO, "Tap your badge");
                say_user(fd, "nurse1");
                say_prompt(fd, "PIN: ");
                say_verdict(fd, hear_type(fd, &m) == WIRE_ANSWER ? WIRE_ALLOW : WIRE_DENY);
                return;
        }
        say_verdict(fd, WIRE_ALLOW);
}

static void run_all_hooks(void) {
        struct app a = {.answer = "1234"};
        app_start(&a, "lightdm", NULL, true);
        if (app_authenticate(&a, 0) == PAM_SUCCESS) {
                assert_non_null(pam_getenv(a.h, "WARDTAP_ATTEMPT"));
                (void) pam_setcred(a.h, PAM_ESTABLISH_CRED);
                (void) pam_open_session(a.h, 0);
                (void) pam_close_session(a.h, 0);
        } else {
                assert_null(pam_getenv(a.h, "WARDTAP_ATTEMPT"));
                assert_string_equal(app_user(&a), "");
                fault.call = NULL;
                assert_int_not_equal(pam_setcred(a.h, PAM_ESTABLISH_CRED), PAM_SUCCESS);
        }
        app_end(&a);
        log_clear();
}

/* Fails the call at its 1st, 2nd, ... place, until there is no such place any more. Returns how many. */
static unsigned fail_everywhere(const char *call, int error) {
        for (unsigned n = 1;; n++) {
                attempt_serve(is_honest);
                fail_at(call, n, error);
                run_all_hooks();
                attempt_stop();
                if (!fault.fired)
                        return n - 1;
                assert_in_range(n, 1, 200);
        }
}

static void a_failing_call_never_lets_anybody_in(void **state) {
        static const struct {
                const char *call;
                int error;
                unsigned least; /* places that must be found, or the test tests nothing */
        } rows[] = {
                {"malloc", ENOMEM, 1},        {"calloc", ENOMEM, 1},     {"open", EMFILE, 1},
                {"fstat64", EIO, 1},          {"read", EIO, 1},          {"socket", EMFILE, 3},
                {"connect", ECONNREFUSED, 3}, {"getsockopt", EINVAL, 3}, {"send", ENOBUFS, 4},
                {"recvmsg", EIO, 6},          {"recvmsg", ENOMEM, 6},    {"ppoll", ENOMEM, 6},
                {"pam_get_item", 0, 20},      {"pam_set_item", 0, 1},    {"pam_set_data", 0, 1},
                {"pam_putenv", 0, 1},         {"pam_prompt", 0, 2},      {"socket", ENOMEM, 3},
        };
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                unsigned places = fail_everywhere(rows[i].call, rows[i].error);
                print_message("%s failed at %u places\n", rows[i].call, places);
                if (places < rows[i].least)
                        fail_msg("%s was called at %u places only", rows[i].call, places);
        }
}

static void out_of_memory_has_its_own_code(void **state) {
        static const char *const calls[] = {"malloc",       "calloc",       "socket",
                                            "pam_set_data", "pam_set_item", "pam_putenv"};
        for (size_t i = 0; i < ELEMENTSOF(calls); i++) {
                struct app a = {.answer = "1234"};
                attempt_serve(is_honest);
                fail_at(calls[i], 1, ENOMEM);
                app_start(&a, "lightdm", NULL, true);
                assert_int_equal(app_authenticate(&a, 0), PAM_BUF_ERR);
                app_end(&a);
                attempt_stop();
        }
}

static void a_yes_that_could_not_be_kept_leaves_no_earlier_one(void **state) {
        struct app a = {.answer = "1234"};
        attempt_serve(is_honest);
        fail_at(NULL, 0, 0);
        app_start(&a, "lightdm", "nurse1", true);
        assert_int_equal(app_authenticate(&a, 0), PAM_SUCCESS);
        fail_at("pam_putenv", 2, 0); /* the first one forgets the earlier attempt */
        assert_int_equal(app_authenticate(&a, 0), PAM_BUF_ERR);
        assert_true(fault.fired);
        assert_int_equal(pam_setcred(a.h, PAM_ESTABLISH_CRED), PAM_CRED_ERR);
        assert_null(pam_getenv(a.h, "WARDTAP_ATTEMPT"));
        app_end(&a);
        attempt_stop();
}

static void a_call_that_is_interrupted_goes_on(void **state) {
        static const char *const calls[] = {"ppoll", "send", "recvmsg", "read"};
        for (size_t i = 0; i < ELEMENTSOF(calls); i++) {
                struct app a = {.answer = "1234"};
                attempt_serve(is_honest);
                fail_at(calls[i], 1, EINTR);
                fault.harmless = true;
                app_start(&a, "lightdm", NULL, true);
                assert_int_equal(app_authenticate(&a, 0), PAM_SUCCESS);
                assert_true(fault.fired);
                app_end(&a);
                attempt_stop();
        }
}

static void a_listener_whose_queue_is_full_for_a_moment_is_asked_again(void **state) {
        struct app a = {.answer = "1234"};
        attempt_serve(is_honest);
        fail_at("connect", 1, EAGAIN);
        fault.harmless = true;
        app_start(&a, "lightdm", NULL, true);
        assert_int_equal(app_authenticate(&a, 0), PAM_SUCCESS);
        assert_true(fault.fired);
        app_end(&a);
        attempt_stop();
}

static void a_listener_whose_queue_stays_full_is_unavailable_after_a_second(void **state) {
        struct app a = {0};
        fail_at("connect", 1, EAGAIN);
        fault.forever = true;
        stalled = true;
        waited_msec = 0;
        app_start(&a, "lightdm", NULL, true);
        assert_int_equal(app_authenticate(&a, 0), PAM_AUTHINFO_UNAVAIL);
        assert_in_range(waited_msec, 500, 2000);
        stalled = false;
        app_end(&a);
}

static void is_silent_at_sessions(int fd, const struct wire_start *s) {
        if (s->hook == WIRE_AUTHENTICATE)
                is_honest(fd, s);
        else
                (void) hear_type(fd, NULL);
}

static void a_session_hook_does_not_wait_for_ever(void **state) {
        struct app a = {.answer = "1234"};
        attempt_serve(is_silent_at_sessions);
        fail_at(NULL, 0, 0);
        app_start(&a, "lightdm", NULL, true);
        assert_int_equal(app_authenticate(&a, 0), PAM_SUCCESS);
        stalled = true;
        waited_msec = 0;
        assert_int_equal(pam_open_session(a.h, 0), PAM_SESSION_ERR);
        assert_in_range(waited_msec, 9000, 10000);
        stalled = false;
        app_end(&a);
        attempt_stop();
}

static int begin(void **state) {
        stage_set();
        stage_services("lightdm\n");
        stage_stack("lightdm", "auth required %\nsession required %\n");
        return 0;
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_failing_call_never_lets_anybody_in),
                cmocka_unit_test(out_of_memory_has_its_own_code),
                cmocka_unit_test(a_yes_that_could_not_be_kept_leaves_no_earlier_one),
                cmocka_unit_test(a_call_that_is_interrupted_goes_on),
                cmocka_unit_test(a_listener_whose_queue_is_full_for_a_moment_is_asked_again),
                cmocka_unit_test(a_listener_whose_queue_stays_full_is_unavailable_after_a_second),
                cmocka_unit_test(a_session_hook_does_not_wait_for_ever),
        };
        return cmocka_run_group_tests(tests, begin, NULL);
}
