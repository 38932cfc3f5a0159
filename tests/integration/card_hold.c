/* SPDX-License-Identifier: Apache-2.0 */
/* card_hold: another program that holds a card: exclusively, or in a transaction, until its standard input
 * ends. With "reset" it then resets the card, which every other client of it is told. */
#include "common/util.h"

#include <stdio.h>
#include <winscard.h>

static int fail(const char *what, LONG rv) {
        printf("%s: %#lx\n", what, (unsigned long) rv);
        return EXIT_FAILURE;
}

int main(int argc, char **argv) {
        SCARDCONTEXT context;
        SCARDHANDLE card;
        DWORD protocol;
        char c;
        if (argc != 3)
                return 2;
        int exclusive = strcmp(argv[1], "exclusive") == 0, reset = strcmp(argv[1], "reset") == 0;
        LONG rv = SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context);
        if (rv != SCARD_S_SUCCESS)
                return fail("context", rv);
        rv = SCardConnect(context, argv[2], exclusive ? SCARD_SHARE_EXCLUSIVE : SCARD_SHARE_SHARED,
                          SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1, &card, &protocol);
        if (rv != SCARD_S_SUCCESS)
                return fail("connect", rv);
        if (!exclusive && (rv = SCardBeginTransaction(card)) != SCARD_S_SUCCESS)
                return fail("transaction", rv);
        puts("held");
        (void) fflush(stdout);
        while (read(STDIN_FILENO, &c, 1) > 0)
                ;
        if (!exclusive)
                (void) SCardEndTransaction(card, reset ? SCARD_RESET_CARD : SCARD_LEAVE_CARD);
        (void) SCardDisconnect(card, SCARD_LEAVE_CARD);
        (void) SCardReleaseContext(context);
        return EXIT_SUCCESS;
}
