/* SPDX-License-Identifier: Apache-2.0 */
/* Which CTAP2 command it is, and the short ones: getInfo, reset, selection. */
#include "tests/virtual/key_core.h"

#define RESET_WINDOW_MS 10000U /* 6.6: only soon after it was plugged in */

const uint8_t key_aaguid[16] = {0x57, 0x61, 0x72, 0x64, 0x74, 0x61, 0x70, 0x20,
                                0x74, 0x65, 0x73, 0x74, 0x20, 0x6b, 0x65, 0x79}; /* "Wardtap test key" */

static void put_algorithm(struct writer *w, int alg) {
        put_map(w, 2);
        put_text(w, "alg");
        put_int(w, alg);
        put_text(w, "type");
        put_text(w, "public-key");
}

/* Keys in canonical order: shorter first, then by byte. */
static void put_options(struct writer *w, const struct key *k) {
        put_map(w, k->config.uv_able ? 6 : 5);
        put_text(w, "rk");
        put_bool(w, true);
        put_text(w, "up");
        put_bool(w, true);
        if (k->config.uv_able) {
                put_text(w, "uv");
                put_bool(w, k->config.uv_enrolled);
        }
        put_text(w, "clientPin");
        put_bool(w, k->state.pin_set);
        put_text(w, "pinUvAuthToken");
        put_bool(w, true);
        put_text(w, "makeCredUvNotRqd");
        put_bool(w, true);
}

static void put_protocols(struct writer *w, const struct key *k) {
        put_array(w, (size_t) k->config.protocol1 + k->config.protocol2);
        if (k->config.protocol2)
                put_int(w, 2);
        if (k->config.protocol1)
                put_int(w, 1);
}

static void put_limits(struct writer *w, const struct key *k) {
        put_int(w, 0x07); /* maxCredentialCountInList */
        put_int(w, KEY_LIST_MAX);
        put_int(w, 0x08); /* maxCredentialIdLength */
        put_int(w, 128);
        put_int(w, 0x09); /* transports */
        put_array(w, 1);
        put_text(w, "usb");
        put_int(w, 0x0a); /* algorithms */
        put_array(w, 2);
        put_algorithm(w, COSE_ALG_ES256);
        put_algorithm(w, COSE_ALG_EDDSA);
        put_int(w, 0x0d); /* minPINLength */
        put_int(w, KEY_MIN_PIN);
        put_int(w, 0x0e); /* firmwareVersion */
        put_int(w, 1);
        if (!k->config.uv_able)
                return;
        put_int(w, 0x11); /* preferredPlatformUvAttempts */
        put_int(w, KEY_UV_TRIES);
        put_int(w, 0x12); /* uvModality: fingerprint */
        put_int(w, 0x02);
}

static void get_info(struct key *k) {
        uint8_t out[512];
        struct writer w = {.p = out, .size = sizeof(out)};
        if (k->config.fault == KEY_FAULT_INFO_FAILS) {
                op_fail(k, CTAP_INVALID_COMMAND);
                return;
        }
        put_map(&w, k->config.uv_able ? 14 : 12);
        put_int(&w, 0x01); /* versions */
        put_array(&w, 2);
        put_text(&w, "FIDO_2_0");
        put_text(&w, "FIDO_2_1");
        put_int(&w, 0x02); /* extensions */
        put_array(&w, 1);
        put_text(&w, "credProtect");
        put_int(&w, 0x03);
        put_bytes(&w, key_aaguid, sizeof(key_aaguid));
        put_int(&w, 0x04);
        put_options(&w, k);
        put_int(&w, 0x05); /* maxMsgSize */
        put_int(&w, 2048);
        put_int(&w, 0x06); /* pinUvAuthProtocols, the preferred one first */
        put_protocols(&w, k);
        put_limits(&w, k);
        op_done(k, &w);
}

static void reset_touched(struct key *k) {
        state_reset(&k->state);
        pin_reset(&k->pin);
        if (state_save(&k->state) < 0)
                op_fail(k, CTAP_OTHER);
        else
                op_done(k, NULL);
}

static void reset(struct key *k) {
        if (k->now_ms - k->plugged_ms > RESET_WINDOW_MS)
                op_fail(k, CTAP_NOT_ALLOWED);
        else
                op_touch(k, CTAP_USER_ACTION_TIMEOUT, reset_touched);
}

static void selected(struct key *k) {
        op_done(k, NULL);
}

enum ctap_status uv_check(struct key *k) {
        struct key_state *s = &k->state;
        if (s->uv_tries == 0)
                return CTAP_UV_BLOCKED;
        s->uv_tries = (uint8_t) (k->config.finger_wrong ? s->uv_tries - 1U : KEY_UV_TRIES);
        if (state_save(s) < 0)
                return CTAP_OTHER;
        if (!k->config.finger_wrong)
                return CTAP_OK;
        return s->uv_tries > 0 ? CTAP_UV_INVALID : CTAP_UV_BLOCKED;
}

void ctap2_command(struct key *k, uint8_t command, struct bytes parameters) {
        if (command != 0x08)
                k->next.n = 0;
        switch (command) {
        case 0x01:
                ctap2_make_credential(k, parameters);
                return;
        case 0x02:
                ctap2_get_assertion(k, parameters);
                return;
        case 0x04:
                key_note(k, "getInfo", NULL);
                get_info(k);
                return;
        case 0x06:
                ctap2_client_pin(k, parameters);
                return;
        case 0x07:
                key_note(k, "reset", NULL);
                reset(k);
                return;
        case 0x08:
                key_note(k, "getNextAssertion", NULL);
                ctap2_get_next_assertion(k);
                return;
        case 0x0b:
                key_note(k, "selection", NULL);
                op_touch(k, CTAP_USER_ACTION_TIMEOUT, selected);
                return;
        }
        key_note(k, "unknown", NULL);
        op_fail(k, CTAP_INVALID_COMMAND);
}
