/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting with an eye on the module, and speaking to it. */
#include "pam_module/auth/relay.h"

#include "common/socket.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

int relay_poll_two(int module, int other, int second, uint64_t deadline_usec) {
        struct pollfd p[] = {{.fd = module, .events = POLLIN | POLLRDHUP},
                             {.fd = other, .events = POLLIN | POLLRDHUP},
                             {.fd = second, .events = POLLIN | POLLRDHUP}};
        for (;;) {
                uint64_t now = now_monotonic_usec(), left = deadline_usec > now ? deadline_usec - now : 0;
                struct timespec ts = {(time_t) (left / 1000000U), (long) (left % 1000000U) * 1000};
                int r = ppoll(p, 3, deadline_usec == UINT64_MAX ? NULL : &ts, NULL);
                if (r > 0)
                        return p[0].revents ? RELAY_MODULE : p[1].revents ? RELAY_OTHER : RELAY_SECOND;
                if (r == 0)
                        return -ETIMEDOUT;
                if (errno != EINTR)
                        return -errno;
        }
}

int relay_poll(int module, int other, uint64_t deadline_usec) {
        return relay_poll_two(module, other, -1, deadline_usec);
}

int relay_wait(int module, int other, uint64_t deadline_usec) {
        int r = relay_poll(module, other, deadline_usec);
        if (r < 0)
                return r;
        return r == RELAY_OTHER ? 0 : -ECANCELED;
}

int relay_say(int module, uint8_t version, enum wire_type type, const char *text) {
        struct wire_message m = {.version = version, .type = type};
        (void) snprintf(m.text, sizeof(m.text), "%s", text);
        return wire_send(module, &m);
}

int relay_user(int module, uint8_t version, const char *user) {
        struct wire_message m = {.version = version, .type = WIRE_USER};
        if (strlen(user) >= sizeof(m.user))
                return -EINVAL; /* never another, shorter name */
        (void) snprintf(m.user, sizeof(m.user), "%s", user);
        return wire_send(module, &m);
}

static int prompt(int module, uint8_t version, bool echo, const char *text) {
        struct wire_message m = {.version = version, .type = WIRE_PROMPT, .prompt.echo = echo};
        (void) snprintf(m.prompt.text, sizeof(m.prompt.text), "%s", text);
        return wire_send(module, &m);
}

int relay_prompt(int module, uint8_t version, const char *text) {
        return prompt(module, version, false, text);
}

int relay_ask(int module, uint8_t version, const char *text) {
        return prompt(module, version, true, text);
}

int relay_verdict(int module, uint8_t version, enum wire_verdict verdict, const char *attempt,
                  const char *code) {
        struct wire_message m = {.version = version, .type = WIRE_VERDICT, .verdict.verdict = verdict};
        (void) snprintf(m.verdict.attempt, sizeof(m.verdict.attempt), "%s", attempt);
        (void) snprintf(m.verdict.code, sizeof(m.verdict.code), "%s", code);
        return wire_send(module, &m);
}
