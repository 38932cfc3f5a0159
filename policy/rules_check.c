/* SPDX-License-Identifier: Apache-2.0 */
/* Do the rules make sense together? Each check tells what to write instead. */
#include "policy/rules_internal.h"

#include <errno.h>

struct checker {
        struct rules *r;
        const struct section *sections;
        size_t n;
        struct rules_errors *errors;
        int failed; /* -ENOMEM */
};

#define complain(c, s, key, ...)                                                                            \
        note((c), rules_error_addf((c)->errors, (s)->file, section_line((s), (key)), __VA_ARGS__))

static void note(struct checker *c, int r) {
        if (r < 0)
                c->failed = r;
}

static const struct section *find_kind(const struct checker *c, enum section_kind kind) {
        for (size_t i = 0; i < c->n; i++)
                if (c->sections[i].kind == kind)
                        return &c->sections[i];
        return NULL;
}

/* SP 800-63B-4: how long a session may be, and how long it may be left alone (AAL2: 2.2.3, AAL3: 2.3.3). */
struct assurance_limits {
        const char *name, *session, *idle;
        uint64_t session_usec, idle_usec;
};
static const struct assurance_limits *limits_of(const struct rules *r) {
        static const struct assurance_limits limits[ASSURANCE_MAX] = {
                [ASSURANCE_AAL2] = {"aal2", "24h", "1h", 24 * USEC_PER_HOUR, USEC_PER_HOUR},
                [ASSURANCE_AAL3] = {"aal3", "12h", "15min", 12 * USEC_PER_HOUR, 15 * USEC_PER_MIN},
        };
        return r->assurance == ASSURANCE_NONE ? NULL : &limits[r->assurance];
}

static void check_site(struct checker *c, const char *name) {
        const struct rules *r = c->r;
        const struct section *site = find_kind(c, SECTION_SITE);
        if (!site) {
                note(c, rules_error_add(c->errors, name, 0,
                                        "There is no [Site] section: write it, with RelyingParty= in it."));
                return;
        }
        if (!section_has(site, "RelyingParty"))
                complain(c, site, "", "[Site] has no RelyingParty=: write the site's domain name, as in %s.",
                         "RelyingParty=wardtap.example.org");
        if (r->n_throttle > 0 && r->throttle_usec[r->n_throttle - 1] > r->throttle_max_usec)
                complain(c, site, section_has(site, "ThrottleDelays") ? "ThrottleDelays" : "ThrottleMax",
                         "The last of ThrottleDelays= is longer than ThrottleMax=: shorten it, or write a "
                         "longer "
                         "ThrottleMax=.");
}

static void check_factors(struct checker *c, const struct section *s, unsigned factors) {
        const struct assurance_limits *limits = limits_of(c->r);
        if (limits && !(factors & FACTOR_VERIFY))
                complain(c, s, "SignIn", "SignIn=%s does not reach Assurance=%s: write %s or %s.",
                         factors_name(factors), limits->name, "badge+key+verify", "key+verify");
}

/* What nobody wrote follows from Assurance=. */
static void default_grace(const struct rules *r, const struct section *s, struct rule_role *role) {
        if (!section_has(s, "Grace") && (r->assurance == ASSURANCE_AAL3 || !(role->sign_in & FACTOR_BADGE)))
                role->grace_usec = 0;
        if (r->assurance == ASSURANCE_AAL3 && !section_has(s, "SessionCap"))
                role->session_cap_usec = 12 * USEC_PER_HOUR;
}

static void check_grace(struct checker *c, const struct section *s, const struct rule_role *role) {
        char grace[64], cap[64];
        duration_format(role->grace_usec, grace, sizeof(grace));
        duration_format(role->grace_cap_usec, cap, sizeof(cap));
        const char *key = section_has(s, "Grace") ? "Grace" : "GraceCap";
        if (role->grace_usec > role->grace_cap_usec)
                complain(c, s, key,
                         "Grace (%s) is longer than GraceCap (%s): shorten Grace=, or write a longer %s.",
                         grace, cap, "GraceCap=");
        if (role->grace_usec == 0)
                return;
        if (!(role->sign_in & FACTOR_BADGE))
                complain(c, s, "Grace", "Grace=%s needs a badge, and SignIn=%s has none: write Grace=0.",
                         grace, factors_name(role->sign_in));
        if (c->r->assurance == ASSURANCE_AAL3)
                complain(c, s, "Grace", "Assurance=aal3 allows no grace: write Grace=0.");
        else if (c->r->assurance == ASSURANCE_AAL2 && role->grace_cap_usec > limits_of(c->r)->session_usec)
                complain(c, s, "GraceCap",
                         "GraceCap=%s is longer than Assurance=aal2 allows: write at most 24h.", cap);
}

static void check_session_cap(struct checker *c, const struct section *s, const struct rule_role *role) {
        const struct assurance_limits *limits = limits_of(c->r);
        if (limits && (role->session_cap_usec == 0 || role->session_cap_usec > limits->session_usec))
                complain(c, s, "SessionCap",
                         "Assurance=%s wants sessions to end: write SessionCap=%s or less.", limits->name,
                         limits->session);
}

static bool words_cover(const struct words *all, const struct words *some) {
        for (size_t i = 0; i < some->n; i++)
                if (!words_contain(all, some->words[i]))
                        return false;
        return true;
}

/* An earlier role that takes everybody this one is for, everywhere and at any time. */
static void check_reachable(struct checker *c, const struct section *s, const struct rule_role *role) {
        for (size_t i = 0; i < s->index; i++) {
                const struct rule_role *before = &c->r->roles[i];
                if (before->stations.n > 0 || before->hours.n > 0 || role->groups.n == 0 ||
                    !words_cover(&before->groups, &role->groups))
                        continue;
                complain(c, s, "",
                         "Nobody ever gets the role %s, since [Role %s] takes its groups first: move it up, "
                         "or "
                         "remove it.",
                         role->name, before->name);
                return;
        }
}

static void check_role(struct checker *c, const struct section *s) {
        struct rule_role *role = section_object(s, c->r);
        if (!section_has(s, "Groups"))
                complain(c, s, "",
                         "[Role %s] has no Groups=: write the groups whose members have this role.",
                         role->name);
        default_grace(c->r, s, role);
        check_factors(c, s, role->sign_in);
        check_grace(c, s, role);
        check_session_cap(c, s, role);
        check_reachable(c, s, role);
}

static void check_place(struct checker *c, const struct section *s) {
        struct rule_place *place = section_object(s, c->r);
        const struct assurance_limits *limits = limits_of(c->r);
        if (!section_has(s, "Tags"))
                complain(c, s, "", "[Place %s] has no Tags=: write the tags of the stations that are there.",
                         place->name);
        if (place->idle_lock_usec > 0 && place->idle_countdown_usec >= place->idle_lock_usec)
                complain(c, s, section_has(s, "IdleCountdown") ? "IdleCountdown" : "IdleLock",
                         "IdleCountdown= is not shorter than IdleLock=: the countdown is its last part.");
        if (!limits)
                return;
        if (place->idle_lock_usec == 0 || place->idle_lock_usec > limits->idle_usec)
                complain(c, s, "IdleLock",
                         "Assurance=%s wants idle sessions locked: write IdleLock=%s or less.", limits->name,
                         limits->idle);
        if (place->inhibitors)
                complain(c, s, "Inhibitors",
                         "Inhibitors=yes lets a program put off the idle lock, and Assurance=%s does not: "
                         "write no.",
                         limits->name);
}

static const char *const step_up_services[] = {"su",       "su-l",   "sudo",    "sudo-i",    "doas",
                                               "polkit-1", "pkexec", "runuser", "runuser-l", NULL};

/* What root's rights are asked for with inside a session opens none: by a sign-in's rules grace would count,
 * and a badge could. */
static void check_use(struct checker *c, const struct section *s, const struct rule_service *service) {
        for (size_t i = 0; service->use == USE_SIGN_IN && step_up_services[i]; i++)
                if (strcmp(service->name, step_up_services[i]) == 0)
                        complain(c, s, "Use",
                                 "%s asks for an approval inside an open session and is no sign-in: write "
                                 "Use=step-up.",
                                 service->name);
}

static void check_service(struct checker *c, const struct section *s) {
        struct rule_service *service = section_object(s, c->r);
        if (strpbrk(service->name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
                complain(c, s, "", "[Service %s] never applies: PAM knows services in lower case only.",
                         service->name);
        if (!section_has(s, "Use"))
                complain(c, s, "", "[Service %s] has no Use=: write Use=sign-in or Use=step-up.",
                         service->name);
        check_use(c, s, service);
        bool step_up = service->use == USE_STEP_UP;
        if (step_up && !section_has(s, "SignIn"))
                service->sign_in = FACTOR_KEY | FACTOR_VERIFY;
        if (step_up && service->sign_in != 0 && !(service->sign_in & FACTOR_KEY))
                complain(c, s, "SignIn",
                         "SignIn=%s would let a badge alone approve something in an open session: write "
                         "key+verify.",
                         factors_name(service->sign_in));
        else if (service->sign_in != 0)
                check_factors(c, s, service->sign_in);
}

static void check_exception_services(struct checker *c, const struct section *s,
                                     const struct rule_exception *x) {
        for (size_t i = 0; i < x->services.n; i++) {
                const struct rule_service *service = rules_find_service(c->r, x->services.words[i]);
                if (!service)
                        complain(c, s, "Services",
                                 "Services= has %s, and there is no [Service %s]: write one, or leave it "
                                 "out.",
                                 x->services.words[i], x->services.words[i]);
                else if (service->use == USE_STEP_UP && x->sign_in != 0 && !(x->sign_in & FACTOR_KEY))
                        complain(c, s, "SignIn",
                                 "SignIn=%s would let a badge alone approve something by %s in an open "
                                 "session: write key+verify.",
                                 factors_name(x->sign_in), service->name);
        }
}

static void check_exception(struct checker *c, const struct section *s) {
        static const struct {
                const char *key, *what;
        } needed[] = {{"Owner", "who answers for it"},
                      {"Reason", "why it is there"},
                      {"Until", "when it ends, at most 90 days from now"},
                      {"SignIn", "what has to be shown meanwhile"}};
        const struct rule_exception *x = section_object(s, c->r);
        for (size_t i = 0; i < ELEMENTSOF(needed); i++)
                if (!section_has(s, needed[i].key))
                        complain(c, s, "", "[Exception %s] has no %s=: write %s.", x->name, needed[i].key,
                                 needed[i].what);
        if (!section_has(s, "Groups") && !section_has(s, "Users"))
                complain(c, s, "", "[Exception %s] has neither Users= nor Groups=: write for whom it is.",
                         x->name);
        if (x->sign_in != 0)
                check_factors(c, s, x->sign_in);
        check_exception_services(c, s, x);
}

static void check_check(struct checker *c, const struct section *s) {
        const struct rule_check *check = section_object(s, c->r);
        if (!section_has(s, "Unit"))
                complain(c, s, "", "[Check %s] has no Unit=: write the service that makes the check.",
                         check->name);
        if (!section_has(s, "Then"))
                complain(c, s, "", "[Check %s] has no Then=: write record, no-grace or no-sign-in.",
                         check->name);
}

int rules_check(struct rules *r, const struct section *sections, size_t n_sections, const char *name,
                struct rules_errors *errors) {
        struct checker c = {.r = r, .sections = sections, .n = n_sections, .errors = errors};
        check_site(&c, name);
        for (size_t i = 0; i < n_sections; i++)
                if (sections[i].kind == SECTION_ROLE)
                        check_role(&c, &sections[i]);
                else if (sections[i].kind == SECTION_PLACE)
                        check_place(&c, &sections[i]);
                else if (sections[i].kind == SECTION_SERVICE)
                        check_service(&c, &sections[i]);
                else if (sections[i].kind == SECTION_EXCEPTION)
                        check_exception(&c, &sections[i]);
                else if (sections[i].kind == SECTION_CHECK)
                        check_check(&c, &sections[i]);
        if (r->n_roles == 0)
                note(&c, rules_error_add(errors, name, 0,
                                         "There is no [Role NAME] section: nobody could sign in."));
        return c.failed;
}
