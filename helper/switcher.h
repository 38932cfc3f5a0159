/* SPDX-License-Identifier: Apache-2.0 */
/* Has the session of a person who was just let in come to the screen, where nothing else would do it without
 * a click, and keeps the one grant by which the PAM transaction for that succeeds: it is good once, for
 * BROKER_GRANT_USEC, and a newer one ends it.
 *
 * There are two engines. LightDM's (switch_lightdm.h) asks the display manager, which runs the transaction.
 * logind's (switch_logind.h), for stations without one, has wardtap-switch@.service run it. SwitchEngine= of
 * the rules says which; "auto" goes by whether somebody owns org.freedesktop.DisplayManager. */
#pragma once

#include "common/broker.h"
#include "common/util.h"
#include "policy/rules.h"

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

/* Who is to be shown, and who asked. */
struct switcher_wish {
        uint64_t client; /* the client of the broker that waits for the end; not 0 */
        uid_t uid;
        char user[65], service[65], attempt[33];
        char unit[129]; /* of the application that asked; of a display manager only its own greeter may. ""
                           when wardtapd itself asked, for a tap at an open session */
};

/* The end of a wish, at the latest BROKER_GRANT_USEC after its beginning: 0 when its grant was used.
 * -EOPNOTSUPP: no display manager is there, or the application is not its greeter: nothing was begun.
 * -ENOSYS: the display manager does no such thing: nothing was begun either. Any other: it was begun, or may
 * have been, and nothing came of it (-ETIMEDOUT, -EIO, -ECANCELED by a newer one or a client that has gone;
 * -EACCES: the account rules refuse the person; -ENOENT: her session has ended meanwhile). */
typedef void (*switcher_done)(void *userdata, const struct switcher_wish *wish, int status);

struct switcher_config {
        sd_event *event;
        sd_bus *(*bus)(void *userdata); /* the system bus, borrowed; NULL while there is none */
        switcher_done done; /* from the loop, or from within switcher_begin() for an older wish */
        enum switch_engine (*engine)(void *userdata); /* what the rules say */
        /* logind's id of the session of this person that waits behind the screen; NULL for none. */
        const char *(*session_of)(void *userdata, uid_t uid);
        /* Has logind bring it to the screen; a negative errno when that cannot be asked. */
        int (*activate)(void *userdata, const char *session);
        void (*no_greeter)(
                void *userdata); /* what switcher_greeter() has asked for was refused; may be NULL */
        void *userdata;
};

struct switcher;

int switcher_new(const struct switcher_config *c, struct switcher **ret);
/* Tells nobody. */
struct switcher *switcher_free(struct switcher *s);
DEFINE_CLEANUP(struct switcher, switcher_free)

/* Begins; a wish of the same unit that is under way ends. An error (nothing was begun, `done` is not
 * called): -EOPNOTSUPP without a bus, while the display manager is busy with one of another unit, or where
 * the person has no session that logind could show. */
int switcher_begin(struct switcher *s, const struct switcher_wish *wish);
/* Uses the grant: 0, with the attempt that let the person in, when there is one for this person, service and
 * unit. -ENOENT for none; -ESTALE for one that has ended a short while ago: the transaction comes too late,
 * and with nobody to see what it shows it must not wait for a tap. */
int switcher_take(struct switcher *s, uid_t uid, const char *user, const char *service, const char *unit,
                  char ret_attempt[static 33]);
/* Has the display manager show its greeter; what comes of that, logind tells. -EOPNOTSUPP: there is none. */
int switcher_greeter(struct switcher *s);
/* A connection to the system bus; NULL when it was lost. From then on it is known whether there is a display
 * manager that can show sessions. */
void switcher_connected(struct switcher *s, sd_bus *bus);
/* The PAM service of the transaction by which somebody would be shown now: the display manager's, by the
 * name of its unit ("lightdm"), or SWITCH_SERVICE; "" for none. */
const char *switcher_service(const struct switcher *s);
/* People are shown by logind, and asked at login prompts on virtual terminals. */
bool switcher_is_of_terminals(const struct switcher *s);
/* A display manager is there that has a greeter. */
bool switcher_has_greeter(const struct switcher *s);

/* A session is being shown. */
bool switcher_is_busy(const struct switcher *s);
/* The client is gone: nobody vouches for its wish any more. */
void switcher_client_gone(struct switcher *s, uint64_t client);
