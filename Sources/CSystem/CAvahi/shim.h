// Avahi's two faces, the daemon's client and the embeddable responder, in one module: they share the
// types of avahi-common, which can belong to one module only.
#include <avahi-client/client.h>
#include <avahi-client/lookup.h>
#include <avahi-client/publish.h>
#include <avahi-core/core.h>
#include <avahi-core/log.h>
#include <avahi-core/lookup.h>
#include <avahi-core/publish.h>
#include <avahi-common/address.h>
#include <avahi-common/alternative.h>
#include <avahi-common/error.h>
#include <avahi-common/malloc.h>
#include <avahi-common/strlst.h>
#include <avahi-common/thread-watch.h>
#include <avahi-common/timeval.h>
// How other threads wake Avahi's; Swift's Glibc module doesn't have it.
#include <sys/eventfd.h>

// Both libraries define avahi_entry_group_free, each another one: linked into one process, one of
// them would call the other's. So neither is linked; both are loaded apart, and these are the types
// of what is looked up in them.
#define LOADED(name) typedef __typeof__(&name) name##_function;
LOADED(avahi_client_new)
LOADED(avahi_client_free)
LOADED(avahi_client_errno)
LOADED(avahi_entry_group_new)
LOADED(avahi_entry_group_free)
LOADED(avahi_entry_group_commit)
LOADED(avahi_entry_group_add_service_strlst)
LOADED(avahi_entry_group_add_service_subtype)
LOADED(avahi_entry_group_update_service_txt_strlst)
LOADED(avahi_service_browser_new)
LOADED(avahi_service_browser_free)
LOADED(avahi_service_resolver_new)
LOADED(avahi_service_resolver_free)
LOADED(avahi_record_browser_new)
LOADED(avahi_record_browser_free)
LOADED(avahi_set_log_function)
LOADED(avahi_server_config_init)
LOADED(avahi_server_config_free)
LOADED(avahi_server_new)
LOADED(avahi_server_free)
LOADED(avahi_server_errno)
LOADED(avahi_s_entry_group_new)
LOADED(avahi_s_entry_group_free)
LOADED(avahi_s_entry_group_commit)
LOADED(avahi_server_add_address)
LOADED(avahi_server_add_service_strlst)
LOADED(avahi_server_add_service_subtype)
LOADED(avahi_server_update_service_txt_strlst)
LOADED(avahi_s_service_browser_new)
LOADED(avahi_s_service_browser_free)
LOADED(avahi_s_service_resolver_new)
LOADED(avahi_s_service_resolver_free)
LOADED(avahi_s_record_browser_new)
LOADED(avahi_s_record_browser_free)
LOADED(avahi_key_new)
LOADED(avahi_key_unref)
#undef LOADED
