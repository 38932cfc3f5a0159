/* SPDX-License-Identifier: Apache-2.0 */
/* The texts for the screen. */
#include "pam_module/auth/screen.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* What is wanted: alone, with a name before it, and at the beginning of a sentence that says what for. */
static const struct {
        const char *alone, *with_name;
} wants[] = {
        [SCREEN_TAP] = {"Tap your badge", "tap your badge"},
        [SCREEN_PLUG] = {"Plug in your key", "plug in your key"},
        [SCREEN_TOUCH] = {"Touch your key", "touch your key"},
        [SCREEN_FINGER] = {"Put your finger on your key", "put your finger on your key"},
        [SCREEN_ENTER] = {"Enter the PIN of your key", "enter the PIN of your key"},
        [SCREEN_WANT_MAX] = {"", ""},
};

/* A prompt, which ends where the answer begins. At a sign-in the sentence was shown before it. */
static void ask_pin(const struct screen_what *what, char *buf, size_t size) {
        const char *enter = wants[SCREEN_ENTER].alone;
        if (!what->step_up)
                (void) snprintf(buf, size, "PIN: ");
        else if (!what->name[0])
                (void) snprintf(buf, size, "%s: ", enter);
        else
                (void) snprintf(buf, size, "%s to approve %s as %s: ", enter, what->service, what->name);
}

void screen_ask(const struct screen_what *what, enum screen_want want, char *buf, size_t size) {
        if (want == SCREEN_PIN)
                ask_pin(what, buf, size);
        else if (what->step_up && what->name[0])
                (void) snprintf(buf, size, "%s to approve %s as %s", wants[want].alone, what->service,
                                what->name);
        else if (what->step_up)
                (void) snprintf(buf, size, "%s to approve %s", wants[want].alone, what->service);
        else if (what->name[0])
                (void) snprintf(buf, size, "%s, %s to sign in", what->name, wants[want].with_name);
        else
                (void) snprintf(buf, size, "%s", wants[want].alone);
}

void screen_enrol(enum screen_want want, const char *name, unsigned pin_least, char *buf, size_t size) {
        const unsigned least = pin_least < 4 ? 4 : pin_least; /* CTAP 2.1, 6.5.1 */
        switch (want) {
        case SCREEN_NEW_KEY:
                (void) snprintf(buf, size, "%s, plug in your new key", name);
                return;
        case SCREEN_NEW_PIN:
                (void) snprintf(buf, size, "%s, choose a PIN for your key: at least %u characters", name,
                                least);
                return;
        case SCREEN_NEW_PIN_ANEW:
                (void) snprintf(buf, size, "Not the same, or too short. At least %u characters, twice",
                                least);
                return;
        case SCREEN_TRIAL:
                (void) snprintf(buf, size, "%s, one trial sign-in: touch your key once more", name);
                return;
        default:
                (void) snprintf(buf, size, "%s, %s to enrol it", name, wants[want].with_name);
        }
}

void screen_code(enum reason instead, const char *name, char *buf, size_t size) {
        const char *why = instead == REASON_UNKNOWN_BADGE     ? "New badge?"
                          : instead == REASON_BADGE_SUSPENDED ? "Badge found again?"
                          : instead == REASON_NO_ANSWER       ? "No PIN?"
                                                              : "No key?";
        if (name[0])
                (void) snprintf(buf, size, "%s, %c%s Enter your code", name, (char) (why[0] | 0x20),
                                why + 1);
        else
                (void) snprintf(buf, size, "%s Enter your code", why);
}

void screen_offer(char *buf, size_t size, bool is_prompt) {
        size_t n = strlen(buf);
        if (n < size)
                (void) snprintf(buf + n, size - n, "%s Emergency? Tap your badge again%s.",
                                n > 0 && buf[n - 1] == '.' ? "" : ".",
                                is_prompt ? ", then press Enter" : "");
}

void screen_offer_later(char *buf, size_t size) {
        size_t n = strlen(buf);
        if (n < size)
                (void) snprintf(buf + n, size - n, ". Emergency? Press Enter.");
}

void screen_why(const char *const *reasons, char *buf, size_t size) {
        (void) snprintf(
                buf, size,
                "Emergency access, recorded and reviewed. Why? 1 %s, 2 %s, 3 %s, 4 %s. Type the number.",
                reasons[0], reasons[1], reasons[2], reasons[3]);
}

void screen_who(char *buf, size_t size) {
        (void) snprintf(buf, size, "Emergency access, recorded and reviewed. Type your full name.");
}

void screen_account(char *buf, size_t size) {
        (void) snprintf(buf, size, "Tap the badge of the emergency kit, or have a colleague tap hers.");
}

void screen_witness(const char *claimed, const char *witness, enum screen_want want, char *buf,
                    size_t size) {
        if (want == SCREEN_PIN)
                (void) snprintf(buf, size, "PIN: ");
        else
                (void) snprintf(buf, size,
                                "Emergency access for %s, with %s as witness. %s, %s to confirm that.",
                                claimed, witness, witness, wants[want].with_name);
}

void screen_opening(const char *name, char *buf, size_t size) {
        (void) snprintf(buf, size, "%s%sour session is opening", name, name[0] ? ", y" : "Y");
}

void screen_click(const char *name, char *buf, size_t size) {
        (void) snprintf(buf, size, "%s%slick Log In", name, name[0] ? ", c" : "C");
}

static bool local(uint64_t usec, struct tm *ret) {
        const time_t t = (time_t) (usec / 1000000U);
        return localtime_r(&t, ret);
}

void screen_closed(uint64_t closed_usec, uint64_t now_usec, char *buf, size_t size) {
        struct tm then, now;
        char when[32] = "";
        if (local(closed_usec, &then) && local(now_usec, &now)) {
                bool today = then.tm_year == now.tm_year && then.tm_yday == now.tm_yday;
                if (strftime(when, sizeof(when), today ? " at %H:%M" : " on %Y-%m-%d at %H:%M", &then) == 0)
                        when[0] = 0;
        }
        (void) snprintf(buf, size, "Your session here was closed%s: unsaved work is lost.", when);
}

/* One sentence that ends in a full stop. */
static void say_why(const struct screen_end *e, char *buf, size_t size) {
        if (!e->known)
                (void) snprintf(buf, size,
                                "This did not work. If it should have, tell the help desk the code.");
        else if (e->reason == REASON_PIN_WRONG && e->retries == 1)
                (void) snprintf(buf, size, "PIN wrong. 1 try left.");
        else if (e->reason == REASON_PIN_WRONG && e->retries >= 0)
                (void) snprintf(buf, size, "PIN wrong. %d tries left.", e->retries);
        else if (e->reason == REASON_THROTTLED && e->wait_usec > 0)
                (void) snprintf(buf, size, "Too many failed tries. Try again in %" PRIu64 " s.",
                                (e->wait_usec + 999999U) / 1000000U);
        else
                (void) snprintf(buf, size, "%s", reason_screen(e->reason));
}

void screen_refusal(const struct screen_end *e, char *buf, size_t size) {
        char why[384];
        say_why(e, why, sizeof(why));
        if (e->code[0])
                (void) snprintf(buf, size, "%s Code %s", why, e->code);
        else
                (void) snprintf(buf, size, "%s", why);
}
