/* SPDX-License-Identifier: Apache-2.0 */
/* Waits until pcscd sees no card in a reader: reader_empty READER. pcscd looks at a virtual reader about
 * every 0.4 s, and a badge that is back before that was never away. 0 when it is empty or pcscd is not
 * there, 1 after 5 s. */
#include <stdio.h>
#include <winscard.h>

int main(int argc, char **argv) {
        SCARDCONTEXT context;
        if (argc != 2)
                return 2;
        if (SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context) != SCARD_S_SUCCESS)
                return 0;
        SCARD_READERSTATE s = {.szReader = argv[1], .dwCurrentState = SCARD_STATE_UNAWARE};
        LONG r = SCARD_S_SUCCESS;
        for (int i = 0; i < 50; i++) {
                r = SCardGetStatusChange(context, 100, &s, 1);
                if ((r != SCARD_S_SUCCESS && r != SCARD_E_TIMEOUT) ||
                    !(s.dwEventState & SCARD_STATE_PRESENT))
                        break;
                s.dwCurrentState = s.dwEventState;
        }
        int present = (s.dwEventState & SCARD_STATE_PRESENT) != 0 && r == SCARD_E_TIMEOUT;
        (void) SCardReleaseContext(context);
        return present;
}
