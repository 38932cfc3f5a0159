/* SPDX-License-Identifier: Apache-2.0 */
/* Which engine shows people. */
#include "helper/switcher.h"

#include "helper/switch_lightdm.h"
#include "helper/switch_logind.h"

#include <errno.h>

struct switcher {
        struct switcher_config config;
        struct switch_lightdm *lightdm;
        struct switch_logind *logind;
};

bool switcher_has_greeter(const struct switcher *s) {
        return *switch_lightdm_service(s->lightdm);
}

bool switcher_is_of_terminals(const struct switcher *s) {
        enum switch_engine e = s->config.engine(s->config.userdata);
        return e == SWITCH_LOGIND || (e == SWITCH_AUTO && !switcher_has_greeter(s));
}

int switcher_begin(struct switcher *s, const struct switcher_wish *wish) {
        if (!switcher_is_of_terminals(s))
                return switch_lightdm_begin(s->lightdm, wish);
        if (switch_lightdm_is_busy(s->lightdm))
                return -EOPNOTSUPP; /* it has just gone, or the rules have changed */
        return switch_logind_begin(s->logind, wish);
}

int switcher_take(struct switcher *s, uid_t uid, const char *user, const char *service, const char *unit,
                  char ret_attempt[static 33]) {
        int r = switch_lightdm_take(s->lightdm, uid, user, service, unit, ret_attempt);
        return r == -ENOENT ? switch_logind_take(s->logind, uid, user, service, unit, ret_attempt) : r;
}

int switcher_greeter(struct switcher *s) {
        return switch_lightdm_greeter(s->lightdm);
}

void switcher_connected(struct switcher *s, sd_bus *bus) {
        switch_lightdm_connected(s->lightdm, bus);
}

const char *switcher_service(const struct switcher *s) {
        return switcher_is_of_terminals(s) ? SWITCH_SERVICE : switch_lightdm_service(s->lightdm);
}

bool switcher_is_busy(const struct switcher *s) {
        return switch_lightdm_is_busy(s->lightdm) || switch_logind_is_busy(s->logind);
}

void switcher_client_gone(struct switcher *s, uint64_t client) {
        switch_lightdm_client_gone(s->lightdm, client);
        switch_logind_client_gone(s->logind, client);
}

int switcher_new(const struct switcher_config *c, struct switcher **ret) {
        _cleanup_(switcher_freep) struct switcher *s = calloc(1, sizeof(*s));
        int r;
        if (!s)
                return -ENOMEM;
        s->config = *c;
        if ((r = switch_lightdm_new(c, &s->lightdm)) < 0 || (r = switch_logind_new(c, &s->logind)) < 0)
                return r;
        *ret = TAKE_PTR(s);
        return 0;
}

struct switcher *switcher_free(struct switcher *s) {
        if (!s)
                return NULL;
        s->lightdm = switch_lightdm_free(s->lightdm);
        s->logind = switch_logind_free(s->logind);
        free(s);
        return NULL;
}
