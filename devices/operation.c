/* SPDX-License-Identifier: Apache-2.0 */
/* What all operations share: events to the caller, the clock, and ending in time. */
#include "devices/operation.h"

#include "common/socket.h"
#include "common/util.h"

#include <errno.h>
#include <poll.h>
#include <time.h>

enum {
        ALARM_GRACE_MS = 100, /* after the deadline: an operation that can still report does it itself */
};

static volatile sig_atomic_t cancelled;
static sigset_t wait_mask;

/* The message that the alarm sends, made beforehand: a signal handler may do little. */
static struct {
        int fd;
        size_t n;
        uint8_t message[16];
} last_words;

struct outcome outcome_of(enum device_reason reason, int32_t detail) {
        return (struct outcome){.reason = reason, .retries = -1, .detail = detail};
}

static void wait_writable(int fd) {
        struct pollfd p = {.fd = fd, .events = POLLOUT};
        (void) ppoll(&p, 1, NULL, NULL); /* the alarm or the parent ends a wait that takes too long */
}

void operation_emit(const struct operation *op, const struct device_event *e) {
        uint8_t buf[SOCKET_MESSAGE_MAX];
        struct writer w = {.p = buf, .size = sizeof(buf)};
        size_t n;
        device_event_write(&w, e);
        int r = writer_end(&w, &n);
        while (r >= 0 && (r = socket_send(op->fd, buf, n)) == -EAGAIN) {
                wait_writable(op->fd);
                r = 0;
        }
        explicit_bzero(buf, sizeof(buf));
        if (r < 0)
                _exit(EXIT_FAILURE);
}

void operation_emit_type(const struct operation *op, enum device_event_type type) {
        struct device_event e = {.type = type, .retries = -1};
        operation_emit(op, &e);
}

void operation_fail(const struct operation *op, struct outcome o) {
        struct device_event e = {
                .type = DEVICE_EVENT_FAILED, .reason = o.reason, .retries = o.retries, .detail = o.detail};
        operation_emit(op, &e);
}

int operation_left_ms(const struct operation *op) {
        uint64_t now = now_monotonic_usec();
        if (now >= op->deadline_usec)
                return 0;
        uint64_t left = (op->deadline_usec - now) / 1000U;
        return left > DEVICE_DEADLINE_MAX_MS ? (int) DEVICE_DEADLINE_MAX_MS : (int) left;
}

static enum device_reason wait_caller(const struct operation *op, short events, int ms) {
        struct pollfd p = {.fd = op->fd, .events = (short) (events | POLLRDHUP)};
        struct timespec ts = {ms / 1000, (long) (ms % 1000) * 1000000};
        int r = ppoll(&p, 1, &ts, &wait_mask);
        if (cancelled || (r > 0 && p.revents & (POLLHUP | POLLRDHUP | POLLERR)))
                return DEVICE_CANCELLED;
        return r > 0 ? DEVICE_OK : DEVICE_TIMED_OUT;
}

enum device_reason operation_pause(const struct operation *op, int ms) {
        int left = operation_left_ms(op);
        if (left == 0)
                return DEVICE_TIMED_OUT;
        enum device_reason reason = wait_caller(op, 0, ms < left ? ms : left);
        return reason == DEVICE_TIMED_OUT ? DEVICE_OK : reason;
}

enum device_reason operation_wait(const struct operation *op, int fd) {
        struct pollfd p[] = {{.fd = op->fd, .events = POLLRDHUP}, {.fd = fd, .events = POLLIN}};
        for (;;) {
                int r = ppoll(p, ELEMENTSOF(p), NULL, &wait_mask);
                if (cancelled || (r < 0 && errno != EINTR) || (r > 0 && p[0].revents))
                        return DEVICE_CANCELLED;
                if (r > 0)
                        return DEVICE_OK;
        }
}

enum device_reason operation_ask_pin(const struct operation *op, char ret[DEVICE_PIN_MAX + 1]) {
        uint8_t buf[DEVICE_PIN_MAX + 8];
        size_t n;
        operation_emit_type(op, DEVICE_EVENT_PIN_WANTED);
        enum device_reason reason = wait_caller(op, POLLIN, operation_left_ms(op));
        if (reason != DEVICE_OK)
                return reason;
        int r = socket_receive(op->fd, buf, sizeof(buf), &n);
        if (r >= 0)
                r = device_pin_read((struct bytes){buf, n}, ret);
        explicit_bzero(buf, sizeof(buf));
        return r < 0 ? DEVICE_BAD_ANSWER : DEVICE_OK;
}

static void on_term(int signal) {
        cancelled = 1;
}

void operation_hold_signals(void) {
        struct sigaction sa = {.sa_handler = on_term};
        sigset_t term;
        (void) sigemptyset(&term);
        (void) sigaddset(&term, SIGTERM);
        (void) sigprocmask(SIG_BLOCK, &term, &wait_mask);
        (void) sigdelset(&wait_mask, SIGTERM);
        (void) sigaction(SIGTERM, &sa, NULL);
}

const sigset_t *operation_wait_mask(void) {
        return &wait_mask;
}

bool operation_cancelled(void) {
        return cancelled;
}

static void on_alarm(int signal) {
        (void) send(last_words.fd, last_words.message, last_words.n, MSG_NOSIGNAL | MSG_DONTWAIT);
        _exit(EXIT_FAILURE);
}

void operation_last_words(enum device_reason reason) {
        struct device_event e = {.type = DEVICE_EVENT_FAILED, .reason = reason, .retries = -1};
        struct writer w = {.p = last_words.message, .size = sizeof(last_words.message)};
        sigset_t alarm, before;
        (void) sigemptyset(&alarm);
        (void) sigaddset(&alarm, SIGALRM);
        (void) sigprocmask(SIG_BLOCK, &alarm, &before);
        device_event_write(&w, &e);
        last_words.n = w.n;
        (void) sigprocmask(SIG_SETMASK, &before, NULL);
}

void operation_arm(const struct operation *op) {
        struct sigaction sa = {.sa_handler = on_alarm};
        struct itimerspec at = {0};
        struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
        uint64_t usec = op->deadline_usec + ALARM_GRACE_MS * 1000U;
        timer_t timer;
        if (op->deadline_usec == UINT64_MAX)
                return;
        last_words.fd = op->fd;
        operation_last_words(DEVICE_TIMED_OUT);
        at.it_value.tv_sec = (time_t) (usec / 1000000U);
        at.it_value.tv_nsec = (long) (usec % 1000000U) * 1000;
        /* Should this fail, the parent's own clock still ends the operation. */
        if (sigaction(SIGALRM, &sa, NULL) == 0 && timer_create(CLOCK_MONOTONIC, &event, &timer) == 0)
                (void) timer_settime(timer, TIMER_ABSTIME, &at, NULL);
}
