/* SPDX-License-Identifier: Apache-2.0 */
/* Where things are on a station. They are fixed: no environment variable or option moves a socket or a
 * store. */
#pragma once

#define PATH_RUN "/run/wardtap"                    /* root:root 0755 */
#define PATH_AUTH_SOCKET PATH_RUN "/auth.sock"     /* 0666: any PAM application, judged by its SO_PEERCRED */
#define PATH_DEVICE_SOCKET PATH_RUN "/device.sock" /* 0660 root:wardtap-device-client */
#define PATH_BROKER_SOCKET PATH_RUN "/broker.sock" /* 0660 root:wardtap */
#define PATH_REGISTRAR_SOCKET PATH_RUN "/registrar.sock" /* 0660 root:wardtap */
#define PATH_INPUT_SOCKET PATH_RUN "/input.sock"   /* 0600 wardtap-idle:root */
#define PATH_TAGS_DIR PATH_RUN "/tags.d"           /* root:root 0755: one file per source, tags in it */

#define PATH_PASSWD "/etc/passwd"

#define PATH_RULES_FILE "/etc/wardtap/wardtap.conf"
#define PATH_RULES_DIR "/etc/wardtap/wardtap.conf.d"
#define PATH_ATTESTATION_DIR "/etc/wardtap/attestation.d" /* *.pem: the vendors' roots the site trusts */

#define PATH_STATE "/var/lib/wardtap"       /* root:root 0755 */
#define PATH_RULES PATH_STATE "/rules"      /* root:root 0755 */
#define PATH_SNAPSHOT PATH_RULES "/current" /* root:wardtap 0640: the compiled rules in force */
/* The line in PATH_SERVICES that says that only Wardtap lets anybody in by those services. */
#define SERVICES_FALLBACK_DENY "Fallback=deny"
#define PATH_SERVICES PATH_RULES "/services"     /* root:root 0644: the PAM services the rules name */
#define PATH_RULES_ARCHIVE PATH_RULES "/archive" /* root:root 0750 */
#define PATH_PEOPLE PATH_STATE "/people"
#define PATH_PEOPLE_DB PATH_PEOPLE "/people.db"    /* folder root:wardtap 0750, file 0640 */
/* Under which the codes of tickets are kept: root:root 0600, beside the hashes and not readable with them */
#define PATH_TICKET_KEY PATH_PEOPLE "/ticket-key"
#define PATH_STATE_DB PATH_STATE "/state/state.db" /* folder wardtap:wardtap 0700 */
#define PATH_AUDIT PATH_STATE "/audit"             /* wardtapd's own, 0700 */

#define PATH_SKELETON "/etc/skel" /* what a new home begins with */
