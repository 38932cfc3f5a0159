/* SPDX-License-Identifier: Apache-2.0 */
/* The few macros that every program here uses: owned things end with their scope, and moving one says so. */
#pragma once

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((cleanup(f)))

/* Hands a pointer over: the variable is NULL afterwards, so its cleanup does nothing. */
#define TAKE_PTR(p)                                                                                         \
        ({                                                                                                  \
                __typeof__(p) take_ptr_ = (p);                                                              \
                (p) = NULL;                                                                                 \
                take_ptr_;                                                                                  \
        })

/* Hands a file descriptor over: the variable is -1 afterwards. */
#define TAKE_FD(fd)                                                                                         \
        ({                                                                                                  \
                int take_fd_ = (fd);                                                                        \
                (fd) = -1;                                                                                  \
                take_fd_;                                                                                   \
        })

#define ELEMENTSOF(a) (sizeof(a) / sizeof((a)[0]))

/* Defines x_freep(), for _cleanup_(x_freep), from x_free(), which takes NULL and returns NULL. */
#define DEFINE_CLEANUP(type, f)                                                                             \
        static inline void f##p(type **p) {                                                                 \
                *p = f(*p);                                                                                 \
        }

/* For _cleanup_(freep): frees what the variable points to. The variable may be of any pointer type. */
static inline void freep(void *p) {
        free(*(void **) p);
}

/* For _cleanup_(closep): closes the descriptor if there is one. errno is left as it was. */
static inline void closep(int *fd) {
        int saved = errno;
        if (*fd >= 0)
                (void) close(*fd);
        errno = saved;
        *fd = -1;
}

/* For _cleanup_(erase_string): wipes and frees a string that held a secret. */
static inline void erase_string(char **s) {
        if (*s)
                explicit_bzero(*s, strlen(*s));
        free(*s);
        *s = NULL;
}
