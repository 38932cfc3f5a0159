/* SPDX-License-Identifier: Apache-2.0 */
/* Asking for a key's PIN. */
#include "cli/pin.h"

#include <errno.h>
#include <stdio.h>

#include "cli/cli.h"
#include "common/bytes.h"
#include "common/util.h"

#define PIN_MIN 4U /* characters (CTAP 2.1, 6.5.1) */
#define PIN_TRIES 3U
#define LINE_SIZE 256U

struct line {
        char text[LINE_SIZE];
};

static void line_erase(struct line *l) {
        explicit_bzero(l, sizeof(*l));
}

void pin_erase(struct pin *p) {
        explicit_bzero(p, sizeof(*p));
}

int pin_check(const char *text, unsigned min) {
        size_t n = 0;
        if (!text_is_clean(text, DEVICE_PIN_MAX))
                return -EINVAL;
        for (const char *c = text; *c; c++)
                if ((*c & 0xc0) != 0x80) /* the first byte of a character */
                        n++;
        return n < PIN_MIN || n < min ? -EINVAL : 0;
}

static int ask_failed(int error) {
        switch (error) {
        case -ENOTTY:
                return fail(CLI_FAILED,
                            _("A PIN is read from a terminal only, and there is none. Run this in one."));
        case -ETIMEDOUT:
                return fail(CLI_TIMED_OUT,
                            _("No PIN was typed in time, and nothing was changed. Try again."));
        case -ECANCELED:
                return fail(CLI_TIMED_OUT, _("Cancelled. Nothing was changed."));
        default:
                return fail(CLI_FAILED, _("The PIN could not be read (%s)."), strerror(-error));
        }
}

static void take(struct pin *p, const char *text) {
        size_t n = strlen(text);
        *p = (struct pin){.known = true};
        memcpy(p->text, text, n + 1);
}

int pin_ask(struct pin *p, const struct terminal *t, int abort_fd, uint64_t deadline_usec) {
        for (unsigned i = 0; i < PIN_TRIES; i++) {
                _cleanup_(line_erase) struct line line = {0};
                int r = terminal_read_secret(t, _("PIN of the key: "), abort_fd, deadline_usec, line.text,
                                             sizeof(line.text));
                if (r == -ESTALE) /* the key has something to say: the caller reads it */
                        return CLI_OK;
                if (r < 0 && r != -EMSGSIZE && r != -EINVAL)
                        return ask_failed(r);
                if (r == 0 && pin_check(line.text, PIN_MIN) == 0) {
                        take(p, line.text);
                        return CLI_OK;
                }
                terminal_say(_("A PIN has at least %u characters, so this one was not sent to the key."),
                             PIN_MIN);
        }
        return fail(CLI_FAILED, _("No PIN was given, and nothing was changed. Try again."));
}

/* One new PIN: 1, 0 to ask again, or a negative errno. */
static int ask_twice(struct pin *p, const struct terminal *t, unsigned min, uint64_t deadline_usec) {
        _cleanup_(line_erase) struct line first = {0}, second = {0};
        char prompt[128];
        (void) snprintf(prompt, sizeof(prompt), _("New PIN for this key, at least %u characters: "), min);
        int r = terminal_read_secret(t, prompt, -1, deadline_usec, first.text, sizeof(first.text));
        if (r < 0 && r != -EMSGSIZE && r != -EINVAL)
                return r;
        if (r < 0 || pin_check(first.text, min) < 0) {
                terminal_say(_("A PIN has %u characters or more, and at most %u bytes. Choose another."),
                             min, DEVICE_PIN_MAX);
                return 0;
        }
        r = terminal_read_secret(t, _("The same PIN again: "), -1, deadline_usec, second.text,
                                 sizeof(second.text));
        if (r < 0 && r != -EMSGSIZE && r != -EINVAL)
                return r;
        if (r < 0 || strcmp(first.text, second.text) != 0) {
                terminal_say(_("The two were not the same. Begin again."));
                return 0;
        }
        take(p, first.text);
        return 1;
}

int pin_ask_new(struct pin *p, const struct terminal *t, unsigned min, uint64_t deadline_usec) {
        min = min < PIN_MIN ? PIN_MIN : min;
        for (unsigned i = 0; i < PIN_TRIES; i++) {
                int r = ask_twice(p, t, min, deadline_usec);
                if (r < 0)
                        return ask_failed(r);
                if (r > 0)
                        return CLI_OK;
        }
        return fail(CLI_FAILED, _("No PIN was chosen, and nothing was changed. Try again."));
}
