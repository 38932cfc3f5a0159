/* SPDX-License-Identifier: Apache-2.0 */
/* A program in a person's X session: says what wardtap-session shows there, and what input reaches it.
 * Writes, each with the milliseconds of CLOCK_MONOTONIC before it:
 *   ready                       its own window has the keyboard
 *   map WxH+X+Y TEXT            a window of wardtap-session is there
 *   painted TEXT                what hides a whole monitor has its words, too
 *   text TEXT                   one has another text
 *   gone TEXT
 *   key KEYCODE, button N       this program was given them
 *   top yes|no                  after the command "top": is the uppermost window wardtap-session's?
 * Commands come from stdin: "top", "cover" (a window of its own over everything), "uncover", "menu" (grabs
 * keyboard and pointer as an open menu does; "menu"), "close" ("closed"). */
#include <err.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <xcb/xcb.h>

#include "common/util.h"

#define SHOWN_MAX 64

static xcb_connection_t *x;
static xcb_screen_t *screen;
static xcb_atom_t net_wm_name;
static xcb_window_t own, over;
static struct shown {
        xcb_window_t window;
        char text[1200];
        bool painted;
} shown[SHOWN_MAX];

static void stamp(void) {
        struct timespec t;
        (void) clock_gettime(CLOCK_MONOTONIC, &t);
        (void) printf("%" PRIu64 " ", (uint64_t) t.tv_sec * 1000 + (uint64_t) t.tv_nsec / 1000000);
}

static void get_text(xcb_window_t window, xcb_atom_t property, char *ret, size_t size) {
        _cleanup_(freep) xcb_get_property_reply_t *r = xcb_get_property_reply(
                x, xcb_get_property(x, 0, window, property, XCB_ATOM_ANY, 0, 1024), NULL);
        int n = r ? xcb_get_property_value_length(r) : 0;
        (void) snprintf(ret, size, "%.*s", n, n > 0 ? (const char *) xcb_get_property_value(r) : "");
}

static bool is_ours(xcb_window_t window) {
        char class[64];
        get_text(window, XCB_ATOM_WM_CLASS, class, sizeof(class));
        return strcmp(class, "wardtap-session") == 0;
}

static struct shown *find(xcb_window_t window) {
        for (size_t i = 0; i < SHOWN_MAX; i++)
                if (shown[i].window == window)
                        return &shown[i];
        return NULL;
}

/* A card in a window: it is mapped when it is painted. */
static void on_child(struct shown *s, xcb_window_t child) {
        _cleanup_(freep) xcb_get_window_attributes_reply_t *a =
                xcb_get_window_attributes_reply(x, xcb_get_window_attributes(x, child), NULL);
        if (s->painted || !a || a->map_state == XCB_MAP_STATE_UNMAPPED)
                return;
        s->painted = true;
        stamp();
        (void) printf("painted %s\n", s->text);
}

static void on_map(xcb_window_t window) {
        if (window == own || window == over || find(window) || !is_ours(window))
                return;
        struct shown *s = find(0);
        _cleanup_(freep) xcb_get_geometry_reply_t *g =
                xcb_get_geometry_reply(x, xcb_get_geometry(x, window), NULL);
        if (!s || !g)
                return;
        const uint32_t mask = XCB_EVENT_MASK_PROPERTY_CHANGE | XCB_EVENT_MASK_SUBSTRUCTURE_NOTIFY;
        (void) xcb_change_window_attributes(x, window, XCB_CW_EVENT_MASK, &mask);
        *s = (struct shown){.window = window};
        get_text(window, net_wm_name, s->text, sizeof(s->text));
        stamp();
        (void) printf("map %ux%u+%d+%d %s\n", g->width, g->height, g->x, g->y, s->text);
        _cleanup_(freep) xcb_query_tree_reply_t *t =
                xcb_query_tree_reply(x, xcb_query_tree(x, window), NULL);
        for (int i = 0; t && i < xcb_query_tree_children_length(t); i++)
                on_child(s, xcb_query_tree_children(t)[i]);
}

static void on_gone(xcb_window_t window) {
        struct shown *s = window ? find(window) : NULL;
        if (!s)
                return;
        stamp();
        (void) printf("gone %s\n", s->text);
        s->window = 0;
}

static void on_property(const xcb_property_notify_event_t *e) {
        struct shown *s = find(e->window);
        if (!s || e->atom != net_wm_name || e->state == XCB_PROPERTY_DELETE)
                return;
        get_text(e->window, net_wm_name, s->text, sizeof(s->text));
        stamp();
        (void) printf("text %s\n", s->text);
}

static void say(const char *what, unsigned n) {
        stamp();
        (void) printf("%s %u\n", what, n);
}

static void on_event(const xcb_generic_event_t *e) {
        switch (e->response_type & 0x7F) {
        case XCB_MAP_NOTIFY: {
                const xcb_map_notify_event_t *m = (const xcb_map_notify_event_t *) e;
                struct shown *parent = m->event ? find(m->event) : NULL;
                if (parent && m->event != m->window)
                        on_child(parent, m->window);
                else
                        on_map(m->window);
        } break;
        case XCB_UNMAP_NOTIFY:
                on_gone(((const xcb_unmap_notify_event_t *) e)->window);
                break;
        case XCB_DESTROY_NOTIFY:
                on_gone(((const xcb_destroy_notify_event_t *) e)->window);
                break;
        case XCB_PROPERTY_NOTIFY:
                on_property((const xcb_property_notify_event_t *) e);
                break;
        case XCB_KEY_PRESS:
                say("key", ((const xcb_key_press_event_t *) e)->detail);
                break;
        case XCB_BUTTON_PRESS:
                say("button", ((const xcb_button_press_event_t *) e)->detail);
                break;
        }
}

static xcb_window_t window_new(uint16_t width, uint16_t height, bool redirect) {
        xcb_window_t w = xcb_generate_id(x);
        const uint32_t values[] = {screen->white_pixel, redirect,
                                   XCB_EVENT_MASK_KEY_PRESS | XCB_EVENT_MASK_BUTTON_PRESS};
        (void) xcb_create_window(x, XCB_COPY_FROM_PARENT, w, screen->root, 0, 0, width, height, 0,
                                 XCB_WINDOW_CLASS_INPUT_OUTPUT, screen->root_visual,
                                 XCB_CW_BACK_PIXEL | XCB_CW_OVERRIDE_REDIRECT | XCB_CW_EVENT_MASK, values);
        (void) xcb_map_window(x, w);
        return w;
}

static void say_top(void) {
        _cleanup_(freep) xcb_query_tree_reply_t *t =
                xcb_query_tree_reply(x, xcb_query_tree(x, screen->root), NULL);
        int n = t ? xcb_query_tree_children_length(t) : 0;
        stamp();
        (void) printf("top %s\n", n > 0 && is_ours(xcb_query_tree_children(t)[n - 1]) ? "yes" : "no");
}

static void grab(void) {
        free(xcb_grab_keyboard_reply(
                x, xcb_grab_keyboard(x, 0, own, XCB_CURRENT_TIME, XCB_GRAB_MODE_ASYNC, XCB_GRAB_MODE_ASYNC),
                NULL));
        free(xcb_grab_pointer_reply(x,
                                    xcb_grab_pointer(x, 0, own, XCB_EVENT_MASK_BUTTON_PRESS,
                                                     XCB_GRAB_MODE_ASYNC, XCB_GRAB_MODE_ASYNC, XCB_NONE,
                                                     XCB_NONE, XCB_CURRENT_TIME),
                                    NULL));
}

static void command(const char *line) {
        if (strcmp(line, "top\n") == 0) {
                say_top();
        } else if (strcmp(line, "cover\n") == 0) {
                over = window_new(screen->width_in_pixels, screen->height_in_pixels, true);
        } else if (strcmp(line, "uncover\n") == 0) {
                (void) xcb_destroy_window(x, over);
        } else if (strcmp(line, "menu\n") == 0) {
                grab();
                stamp();
                (void) puts("menu");
        } else if (strcmp(line, "close\n") == 0) {
                (void) xcb_ungrab_keyboard(x, XCB_CURRENT_TIME);
                (void) xcb_ungrab_pointer(x, XCB_CURRENT_TIME);
                free(xcb_get_input_focus_reply(x, xcb_get_input_focus(x), NULL));
                stamp();
                (void) puts("closed");
        }
}

static void start(void) {
        static const char name[] = "_NET_WM_NAME";
        x = xcb_connect(NULL, NULL);
        if (xcb_connection_has_error(x))
                errx(1, "no X server");
        screen = xcb_setup_roots_iterator(xcb_get_setup(x)).data;
        _cleanup_(freep) xcb_intern_atom_reply_t *a =
                xcb_intern_atom_reply(x, xcb_intern_atom(x, 0, sizeof(name) - 1, name), NULL);
        net_wm_name = a ? a->atom : XCB_ATOM_NONE;
        const uint32_t mask = XCB_EVENT_MASK_SUBSTRUCTURE_NOTIFY;
        (void) xcb_change_window_attributes(x, screen->root, XCB_CW_EVENT_MASK, &mask);
        own = window_new(screen->width_in_pixels, screen->height_in_pixels, false);
        (void) xcb_set_input_focus(x, XCB_INPUT_FOCUS_PARENT, own, XCB_CURRENT_TIME);
        free(xcb_get_input_focus_reply(x, xcb_get_input_focus(x), NULL)); /* the server has come so far */
        stamp();
        (void) puts("ready");
}

int main(void) {
        char line[64];
        (void) setvbuf(stdout, NULL, _IOLBF, 0);
        (void) setvbuf(stdin, NULL, _IONBF, 0);
        start();
        for (;;) {
                struct pollfd fds[] = {{.fd = xcb_get_file_descriptor(x), .events = POLLIN},
                                       {.fd = 0, .events = POLLIN}};
                for (xcb_generic_event_t *e; (e = xcb_poll_for_event(x)); free(e))
                        on_event(e);
                (void) xcb_flush(x);
                if (xcb_connection_has_error(x))
                        return 0;
                if (poll(fds, 2, -1) < 0)
                        err(1, "poll");
                if (fds[1].revents) {
                        if (!fgets(line, sizeof(line), stdin))
                                return 0;
                        command(line);
                }
        }
}
