/* SPDX-License-Identifier: Apache-2.0 */
/* Who may say what to wardtapd: pure checks over messages that decoded well. */
#pragma once

#include "common/broker.h"

/* True for the id of an attempt: 32 hexadecimal digits. */
bool rights_is_attempt(const char *s);
/* May a peer of this uid say this hello? 0, -EPERM (needs root), -EBADMSG (an attempt's id that is none). */
int rights_hello(const struct broker_message *m, uid_t uid);
/* May a client of this purpose send a message of this type, after its hello? */
bool rights_message(enum broker_purpose purpose, enum broker_type type);
/* May it ask for this record? 0, or -EPERM: another's event, a field of wardtapd's own or of another kind of
 * client, an outcome that contradicts the event, or another attempt's id than that of its hello. */
int rights_record(enum broker_purpose purpose, const char *attempt, const struct record *r);
/* The record says how an attempt ended, so that its tap is used up. */
bool rights_is_verdict(enum record_event event);
