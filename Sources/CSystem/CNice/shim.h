#pragma once
#include <glib.h>
#include <glib-object.h>
#include <nice/agent.h>

/* g_object_set is variadic, which Swift does not import. */
static inline void virtue_object_set_boolean(gpointer object, const char *name, gboolean value) {
  g_object_set(object, name, value, NULL);
}
static inline void virtue_object_set_unsigned(gpointer object, const char *name, guint value) {
  g_object_set(object, name, value, NULL);
}
static inline void virtue_object_set_string(gpointer object, const char *name, const char *value) {
  g_object_set(object, name, value, NULL);
}
