/* SPDX-License-Identifier: Apache-2.0 */
/* The sentence that a person reads for a record: MESSAGE= in the journal. */
#pragma once

#include "common/record.h"

#define MESSAGE_SIZE 512U

/* Fills ret with one sentence, without a full stop. Always terminated. */
void message_of(const struct record *r, char ret[MESSAGE_SIZE]);
