/* SPDX-License-Identifier: Apache-2.0 */
/* The attestation of a key at its enrolment. */
#include "cli/key_maker.h"

#include <errno.h>

#include "cli/groups.h"
#include "common/paths.h"
#include "common/socket.h"

/* The first role of the person's groups that wants to know who made her key, wherever and whenever it is
 * hers; NULL for none. */
static int find_demand(const struct rules *rules, const struct store_person *person,
                       const struct rule_role **ret) {
        _cleanup_(word_list_clear) struct words groups = {0};
        struct passwd *pw = getpwnam(person->user);
        int r = pw ? groups_of(pw, &groups) : 0;
        *ret = NULL;
        if (r < 0)
                return fail(CLI_FAILED, _("The groups of '%s' cannot be read."), person->user);
        for (size_t i = 0; i < rules->n_roles; i++)
                for (size_t g = 0; rules->roles[i].key_attested && g < groups.n; g++)
                        if (words_contain(&rules->roles[i].groups, groups.words[g])) {
                                *ret = &rules->roles[i];
                                return CLI_OK;
                        }
        return CLI_OK;
}

static int roots_failed(int error, const char *bad) {
        if (bad)
                return fail(CLI_FAILED,
                            _("%s/%s cannot be used (%s): it must be root's alone, and have nothing but "
                              "certificates in PEM form. Mend or remove it."),
                            PATH_ATTESTATION_DIR, bad, strerror(-error));
        return fail(CLI_FAILED, _("%s cannot be used (%s): it must be a folder of root's alone."),
                    PATH_ATTESTATION_DIR, strerror(-error));
}

static int look(const struct device_credential *made, const struct fido_credential *checked,
                struct key_maker *m) {
        _cleanup_(attestation_roots_freep) struct attestation_roots *roots = NULL;
        _cleanup_(freep) char *bad = NULL;
        int r = attestation_roots_load(PATH_ATTESTATION_DIR, &roots, &bad);
        if (r == -ENOENT)
                return CLI_OK; /* the site trusts no vendor */
        if (r < 0)
                return roots_failed(r, bad);
        r = attestation_verify(roots, made->format, made->attstmt, made->attstmt_len, checked->aaguid,
                               now_realtime_usec(), m->root);
        m->asked = true;
        m->attested = r == 0;
        return r == -ENOMEM ? fail(CLI_FAILED, _("There is not enough memory.")) : CLI_OK;
}

int key_maker_judge(const struct rules *rules, const struct store_person *person,
                    const struct device_credential *made, const struct fido_credential *checked,
                    struct key_maker *ret) {
        const struct rule_role *demand;
        struct key_maker m = {0};
        int r = find_demand(rules, person, &demand);
        if (r != CLI_OK || (r = look(made, checked, &m)) != CLI_OK)
                return r;
        if (demand && !m.attested)
                return fail(CLI_FAILED,
                            _("The role %s wants a key whose maker vouches for it, and no root in %s knows "
                              "this one. Use a key of a vendor that is there; nothing was enrolled."),
                            demand->name, PATH_ATTESTATION_DIR);
        *ret = m;
        return CLI_OK;
}
