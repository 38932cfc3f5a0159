/* SPDX-License-Identifier: Apache-2.0 */
/* The conversation with wardtap-device about one key. */
#include "cli/key_talk.h"

#include <errno.h>

#include "common/socket.h"
#include "common/util.h"

/* What went wrong and what to do, for each device_reason a key operation can have. */
static const struct {
        enum cli_exit status;
        const char *text;
} reasons[DEVICE_REASON_MAX] = {
        [DEVICE_GONE] = {CLI_NOT_RUNNING,
                         N_("wardtap-device ended without an answer. See: journalctl -u wardtap-device")},
        [DEVICE_BAD_ANSWER] = {CLI_FAILED, N_("The key answered what no key should. Use another key.")},
        [DEVICE_REMOVED] = {CLI_FAILED, N_("The key was taken out too early. Leave it in and try again.")},
        [DEVICE_BUSY] = {CLI_FAILED, N_("Another program is using the key. Close it and try again.")},
        [DEVICE_NO_KEY] = {CLI_TIMED_OUT, N_("No key was plugged in in time. Try again.")},
        [DEVICE_NOT_FIDO2] = {CLI_FAILED, N_("This key does not speak FIDO2. Use another key.")},
        [DEVICE_NO_CREDENTIAL] = {CLI_FAILED,
                                  N_("The key does not find what it has just made. Use another key.")},
        [DEVICE_EXCLUDED] = {CLI_CONFLICT,
                             N_("This person has enrolled this key already; there is nothing to do.")},
        [DEVICE_NOT_TOUCHED] =
                {CLI_TIMED_OUT,
                 N_("The key was not touched in time. Try again, and touch it when it blinks.")},
        [DEVICE_REFUSED] =
                {CLI_FAILED,
                 N_("The key refused, or nobody touched it. Try again, and touch it when it blinks.")},
        [DEVICE_CANCELLED] = {CLI_TIMED_OUT, N_("Cancelled. Nothing was enrolled.")},
        [DEVICE_TIMED_OUT] = {CLI_TIMED_OUT,
                              N_("The key did not answer in time. Take it out, put it back and try again.")},
        [DEVICE_PIN_WRONG] = {CLI_FAILED, N_("The PIN was wrong.")},
        [DEVICE_PIN_REPLUG] =
                {CLI_FAILED,
                 N_("The PIN was wrong three times. Take the key out, put it back and try again.")},
        [DEVICE_PIN_BLOCKED] = {CLI_FAILED,
                                N_("The key's PIN is blocked, and only a reset helps, which wipes the key "
                                   "(fido2-token -R). Use another key, or reset it and try again.")},
        [DEVICE_PIN_NOT_SET] =
                {CLI_FAILED,
                 N_("The key has neither PIN nor fingerprint, and takes neither. Use another key.")},
        [DEVICE_PIN_POLICY] = {CLI_FAILED, N_("The key does not accept this PIN: it wants a longer one, or "
                                              "another than before. Try again.")},
        [DEVICE_PIN_ALREADY] = {CLI_FAILED,
                                N_("The key has had a PIN set meanwhile. Try again with that PIN.")},
        [DEVICE_UV_WRONG] = {CLI_FAILED,
                             N_("The fingerprint was not recognised. Try again with a clean, dry finger.")},
        [DEVICE_UV_BLOCKED] = {CLI_FAILED, N_("The fingerprint was wrong too often. Take the key out, put "
                                              "it back and use its PIN once.")},
        [DEVICE_KEY_FULL] = {CLI_FAILED, N_("The key is full. Use another key.")},
        [DEVICE_UNSUPPORTED] = {CLI_FAILED, N_("The key cannot do what Wardtap needs (ES256 or EdDSA, with "
                                               "PIN or fingerprint). Use another key.")},
};

const char *key_reason_text(enum device_reason reason) {
        const char *text = (unsigned) reason < DEVICE_REASON_MAX ? reasons[reason].text : NULL;
        return text ? text : N_("The key failed. Take it out, put it back and try again.");
}

enum cli_exit key_reason_exit(enum device_reason reason) {
        bool known = (unsigned) reason < DEVICE_REASON_MAX && reasons[reason].text;
        return known ? reasons[reason].status : CLI_FAILED;
}

int key_start_failed(int error) {
        if (error == -EINVAL || error == -EMSGSIZE)
                return fail(CLI_FAILED, _("The key cannot be asked that (%s)."), strerror(-error));
        return fail(
                CLI_NOT_RUNNING,
                _("wardtap-device is not running. Start it with: systemctl start wardtap-device.socket"));
}

static int approval_failed(const struct key_talk *k, const struct device_event *e) {
        if (e->reason == DEVICE_PIN_WRONG && e->retries >= 0)
                return fail(CLI_FAILED,
                            _("The PIN was wrong; the key allows %d more. Nothing was changed. Try again."),
                            e->retries);
        if (e->reason == DEVICE_NO_CREDENTIAL)
                return fail(CLI_FAILED,
                            _("This is not the key of %s, and nothing was changed. Plug that one in."),
                            k->user);
        if (e->reason == DEVICE_CANCELLED)
                return fail(CLI_TIMED_OUT, _("Cancelled. Nothing was changed."));
        return fail(key_reason_exit(e->reason), "%s", _(key_reason_text(e->reason)));
}

static int failed(struct key_talk *k, const struct device_event *e) {
        k->why = e->reason;
        if (k->approves)
                return approval_failed(k, e);
        if (e->reason == DEVICE_PIN_WRONG && e->retries >= 0)
                return fail(
                        CLI_FAILED,
                        _("The PIN was wrong; the key allows %d more. Nothing was enrolled. Try again with: "
                          "wardtap key enrol %s"),
                        e->retries, k->user);
        return fail(key_reason_exit(e->reason), "%s", _(key_reason_text(e->reason)));
}

/* A PIN is given twice only after the key found it right the first time. */
static int give_pin(struct key_talk *k, struct device_operation *op) {
        struct pin *p = k->pin;
        int r;
        if (!p->known || (p->sent && !p->proven)) {
                pin_erase(p);
                if ((r = pin_ask(p, k->terminal, device_fd(op), k->deadline_usec)) != CLI_OK)
                        return r;
        }
        if (!p->known)
                return CLI_OK;
        p->sent = true;
        r = device_send_pin(op, p->text);
        return r < 0 ? key_start_failed(r) : CLI_OK;
}

static int guide(struct key_talk *k, struct device_operation *op, const struct device_event *e) {
        switch (e->type) {
        case DEVICE_EVENT_KEY_WANTED:
                terminal_say(_("Plug in your key."));
                return CLI_OK;
        case DEVICE_EVENT_PIN_WANTED:
                return give_pin(k, op);
        case DEVICE_EVENT_TOUCH_WANTED:
                terminal_say(e->verify ? _("Touch your key with the finger it knows.")
                                       : _("Touch your key."));
                return CLI_OK;
        case DEVICE_EVENT_FAILED:
                return failed(k, e);
        default:
                return fail(CLI_FAILED, _("wardtap-device said what was not asked for. Try again."));
        }
}

int key_follow(struct key_talk *k, struct device_operation *op, enum device_event_type wanted,
               struct device_event *ret) {
        for (;;) {
                struct device_event e;
                int r = device_next(op, &e);
                if (r > 0 && e.type == wanted) {
                        *ret = e;
                        return CLI_OK;
                }
                if (r > 0 && (r = guide(k, op, &e)) != CLI_OK)
                        return r;
                if (r < 0)
                        return fail(CLI_NOT_RUNNING,
                                    _("The talk with wardtap-device broke off (%s). Try again."),
                                    strerror(-r));
                r = terminal_wait(k->terminal, device_fd(op), k->deadline_usec);
                if (r == -ECANCELED)
                        return fail(CLI_TIMED_OUT, k->approves ? _("Cancelled. Nothing was changed.")
                                                               : _("Cancelled. Nothing was enrolled."));
                if (r < 0)
                        return fail(CLI_TIMED_OUT, _("The key did not answer in time. Try again."));
        }
}
