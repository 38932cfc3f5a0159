/* SPDX-License-Identifier: Apache-2.0 */
/* The connection to the X server: one program for each, its events, and staying above. */
#include "greeter/session_screen_internal.h"

/* A program that fights for the top is answered ten times a second, not more. */
#define RAISE_USEC (100U * 1000U)

static bool is_anything_shown(const struct screen *s) {
        for (int i = 0; i < VIEW_MAX; i++)
                if (s->views[i].text)
                        return true;
        return false;
}

/* Who comes above us is of interest only while there is something of ours. */
static void watch_stack(struct screen *s) {
        const uint32_t mask = XCB_EVENT_MASK_STRUCTURE_NOTIFY |
                              (is_anything_shown(s) ? XCB_EVENT_MASK_SUBSTRUCTURE_NOTIFY : 0);
        (void) xcb_change_window_attributes(s->x, s->screen->root, XCB_CW_EVENT_MASK, &mask);
}

static int on_raise(sd_event_source *source, uint64_t usec, void *userdata) {
        struct screen *s = userdata;
        (void) sd_event_now(s->event, CLOCK_MONOTONIC, &s->raised_usec);
        if (is_anything_shown(s) && windows_are_below(s))
                windows_raise(s);
        return 0;
}

/* Somebody's window was mapped or moved: looks whether it is above ours, now or when RAISE_USEC are over. */
static void raise_soon(struct screen *s) {
        int enabled = SD_EVENT_OFF, r;
        uint64_t next = s->raised_usec + RAISE_USEC;
        if (!s->raise) {
                (void) sd_event_add_time(s->event, &s->raise, CLOCK_MONOTONIC, next, 1000, on_raise, s);
                return;
        }
        r = sd_event_source_get_enabled(s->raise, &enabled);
        if (r >= 0 && enabled == SD_EVENT_OFF && sd_event_source_set_time(s->raise, next) >= 0)
                (void) sd_event_source_set_enabled(s->raise, SD_EVENT_ONESHOT);
}

static void monitors_changed(struct screen *s) {
        s->n_monitors = monitors_get(s->x, s->screen, s->randr_event != 0, s->monitors);
        for (int i = 0; i < VIEW_MAX; i++)
                if (s->views[i].text) {
                        windows_destroy(s, (enum view) i);
                        windows_make(s, (enum view) i);
                }
}

static void on_x_event(struct screen *s, const xcb_generic_event_t *e) {
        uint8_t type = e->response_type & 0x7F;
        xcb_window_t window = 0;
        if (s->randr_event != 0 && type == s->randr_event) {
                monitors_changed(s);
                return;
        }
        if (type == XCB_CONFIGURE_NOTIFY)
                window = ((const xcb_configure_notify_event_t *) e)->window;
        else if (type == XCB_MAP_NOTIFY)
                window = ((const xcb_map_notify_event_t *) e)->window;
        if (window == s->screen->root && s->randr_event == 0)
                monitors_changed(s);
        else if (window != 0 && window != s->screen->root && !windows_is_ours(s, window))
                raise_soon(s);
}

/* Also what came in while a reply was awaited: the descriptor says nothing of that. */
static int drain(struct screen *s) {
        for (xcb_generic_event_t *e; (e = xcb_poll_for_event(s->x)); free(e))
                on_x_event(s, e);
        (void) xcb_flush(s->x);
        return xcb_connection_has_error(s->x) ? sd_event_exit(s->event, 0) : 0;
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        return drain(userdata);
}

static int on_prepare(sd_event_source *source, void *userdata) {
        return drain(userdata);
}

static xcb_atom_t atom(xcb_connection_t *x, const char *name) {
        _cleanup_(freep) xcb_intern_atom_reply_t *reply =
                xcb_intern_atom_reply(x, xcb_intern_atom(x, 0, (uint16_t) strlen(name), name), NULL);
        return reply ? reply->atom : XCB_ATOM_NONE;
}

/* One program per server: the owner of a selection that goes with its connection. */
static int claim(struct screen *s) {
        xcb_atom_t selection = atom(s->x, "_WARDTAP_SESSION");
        xcb_window_t owner = xcb_generate_id(s->x);
        (void) xcb_create_window(s->x, 0, owner, s->screen->root, -1, -1, 1, 1, 0,
                                 XCB_WINDOW_CLASS_INPUT_ONLY, XCB_COPY_FROM_PARENT, 0, NULL);
        (void) xcb_grab_server(s->x);
        _cleanup_(freep) xcb_get_selection_owner_reply_t *reply =
                xcb_get_selection_owner_reply(s->x, xcb_get_selection_owner(s->x, selection), NULL);
        if (reply && reply->owner == XCB_NONE)
                (void) xcb_set_selection_owner(s->x, owner, selection, XCB_CURRENT_TIME);
        (void) xcb_ungrab_server(s->x);
        (void) xcb_flush(s->x);
        return !reply ? -EIO : reply->owner == XCB_NONE ? 0 : -EEXIST;
}

static xcb_screen_t *find_screen(xcb_connection_t *x, int number) {
        xcb_screen_iterator_t i = xcb_setup_roots_iterator(xcb_get_setup(x));
        for (; i.rem > 0 && number > 0; number--)
                xcb_screen_next(&i);
        return i.rem > 0 ? i.data : NULL;
}

static xcb_visualtype_t *find_visual(const xcb_screen_t *screen) {
        for (xcb_depth_iterator_t d = xcb_screen_allowed_depths_iterator(screen); d.rem > 0;
             xcb_depth_next(&d))
                for (xcb_visualtype_iterator_t v = xcb_depth_visuals_iterator(d.data); v.rem > 0;
                     xcb_visualtype_next(&v))
                        if (v.data->visual_id == screen->root_visual)
                                return v.data;
        return NULL;
}

/* The display may be of any depth: the server says what the colour is there. */
static uint32_t background(const struct screen *s) {
        uint32_t c = CARD_BACKGROUND;
        _cleanup_(freep) xcb_alloc_color_reply_t *reply = xcb_alloc_color_reply(
                s->x,
                xcb_alloc_color(s->x, s->screen->default_colormap, (uint16_t) ((c >> 16 & 0xFF) * 257),
                                (uint16_t) ((c >> 8 & 0xFF) * 257), (uint16_t) ((c & 0xFF) * 257)),
                NULL);
        return reply ? reply->pixel : s->screen->black_pixel;
}

static int connect_x(struct screen *s) {
        int number = 0;
        s->x = xcb_connect(NULL, &number);
        if (xcb_connection_has_error(s->x))
                return -ENOTCONN;
        s->screen = find_screen(s->x, number);
        s->visual = s->screen ? find_visual(s->screen) : NULL;
        if (!s->visual)
                return -ENODEV;
        int r = claim(s);
        if (r < 0)
                return r;
        s->utf8_string = atom(s->x, "UTF8_STRING");
        s->net_wm_name = atom(s->x, "_NET_WM_NAME");
        s->background = background(s);
        s->grab = (struct grab){.event = s->event, .x = s->x, .root = s->screen->root};
        monitors_watch(s->x, s->screen->root, &s->randr_event);
        watch_stack(s);
        monitors_changed(s);
        return 0;
}

int screen_new(sd_event *event, struct screen **ret) {
        _cleanup_(screen_freep) struct screen *s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;
        s->event = sd_event_ref(event);
        int r = connect_x(s);
        if (r >= 0)
                r = sd_event_add_io(event, &s->io, xcb_get_file_descriptor(s->x), EPOLLIN, on_io, s);
        if (r >= 0)
                r = sd_event_source_set_prepare(s->io, on_prepare);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(s);
        return 0;
}

struct screen *screen_free(struct screen *s) {
        if (!s)
                return NULL;
        sd_event_source_disable_unref(s->io);
        sd_event_source_disable_unref(s->raise);
        sd_event_source_disable_unref(s->grab.timer);
        for (int i = 0; i < VIEW_MAX; i++)
                free(s->views[i].text);
        if (s->x)
                xcb_disconnect(s->x); /* takes windows and grabs along */
        sd_event_unref(s->event);
        free(s);
        return NULL;
}

static void hide(struct screen *s, enum view view) {
        windows_destroy(s, view);
        free(s->views[view].text);
        s->views[view].text = NULL;
}

void screen_show(struct screen *s, enum view view, const char *text) {
        char *now = s->views[view].text;
        if (now && text && strcmp(now, text) == 0)
                return;
        if (!text) {
                if (!now)
                        return;
                hide(s, view);
        } else {
                char *copy = strdup(text);
                if (!copy)
                        return;
                if (!is_anything_shown(s)) /* not every change of monitors is told */
                        monitors_changed(s);
                free(now);
                s->views[view].text = copy;
                if (now) {
                        windows_change(s, view);
                } else {
                        windows_make(s, view);
                        windows_raise(s);
                }
        }
        watch_stack(s);
        (void) xcb_flush(s->x);
}

void screen_discard_input(struct screen *s, uint64_t usec) {
        if (usec > 0)
                grab_begin(&s->grab, usec);
        else
                grab_end(&s->grab);
}

void screen_hold_input(struct screen *s) {
        grab_hold(&s->grab);
}
