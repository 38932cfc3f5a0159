/* SPDX-License-Identifier: Apache-2.0 */
/* Cleaning text, and the name of who is signed in. */
#include "greeter/session_words.h"

#include <pwd.h>
#include <stdbool.h>

#include "common/bytes.h"
#include "common/util.h"

void words_clean(const char *text, char *ret, size_t size) {
        size_t n = 0;
        bool blank = false;
        while (*text) {
                size_t take = text_take_clean(text);
                if (take == 0 || *text == ' ') {
                        blank = n > 0;
                        text++;
                        continue;
                }
                if (n + blank + take >= size)
                        break;
                if (blank)
                        ret[n++] = ' ';
                blank = false;
                memcpy(ret + n, text, take);
                n += take;
                text += take;
        }
        ret[n] = 0;
}

void words_own_name(char ret[static WORDS_NAME_SIZE]) {
        const struct passwd *p = getpwuid(getuid());
        ret[0] = 0;
        if (!p)
                return;
        if (p->pw_gecos) {
                _cleanup_(freep) char *first = strndup(p->pw_gecos, strcspn(p->pw_gecos, ","));
                words_clean(first ? first : "", ret, WORDS_NAME_SIZE);
        }
        if (!ret[0])
                words_clean(p->pw_name, ret, WORDS_NAME_SIZE);
}
