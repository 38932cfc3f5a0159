/* SPDX-License-Identifier: Apache-2.0 */
/* Folders that a sign-in by badge cannot read: Kerberos hands out a ticket for a password, and a badge is
 * none. */
#pragma once

#define HOMES_KERBEROS "sec=krb5"

/* Calls f for each folder on which NFS with Kerberos is mounted, or will be by fstab(5). The sum of its
 * answers. */
int homes_each_with_tickets(int (*f)(const char *folder, void *data), void *data);
