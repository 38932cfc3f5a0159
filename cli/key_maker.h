/* SPDX-License-Identifier: Apache-2.0 */
/* Who made a key that is being enrolled, and whether the rules want to know. */
#pragma once

#include <stdbool.h>

#include "cli/admin.h"
#include "devices/client.h"
#include "policy/attestation.h"
#include "policy/fido.h"
#include "policy/rules.h"

struct key_maker {
        bool attested, asked;             /* asked: the site trusts some vendors */
        char root[ATTESTATION_NAME_SIZE]; /* who vouches; "" unless attested */
};

/* Looks who vouches for the key, by the roots in PATH_ATTESTATION_DIR, and refuses one that nobody does for
 * where a role that the person's groups give her wants KeyAttested=. An enum cli_exit, after a complaint. */
int key_maker_judge(const struct rules *rules, const struct store_person *person,
                    const struct device_credential *made, const struct fido_credential *checked,
                    struct key_maker *ret);
