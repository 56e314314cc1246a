import CAvahi
import Glibc

/// One of Avahi's libraries, loaded apart from everything else in the process: neither its names nor
/// those of others get mixed up (see `shim.h` for the one that would).
private struct Library {
  private let name: String
  private let handle: UnsafeMutableRawPointer

  init(_ name: String) throws(AvahiError) {
    self.name = name
    guard let handle = dlopen(name, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND) else {
      throw AvahiError(isCollision: false, description: "\(name) can't be loaded")
    }
    self.handle = handle
  }

  /// `Function` must be the type that `shim.h` has for `name`.
  func function<Function>(_ symbol: String, as _: Function.Type = Function.self)
    throws(AvahiError) -> Function
  {
    guard let address = dlsym(handle, symbol) else {
      throw AvahiError(isCollision: false, description: "\(name) has no \(symbol)")
    }
    return unsafeBitCast(address, to: Function.self)
  }
}

/// libavahi-client: the daemon over D-Bus.
struct ClientLibrary {
  let clientNew: avahi_client_new_function
  let clientFree: avahi_client_free_function
  let clientErrno: avahi_client_errno_function
  let entryGroupNew: avahi_entry_group_new_function
  let entryGroupFree: avahi_entry_group_free_function
  let entryGroupCommit: avahi_entry_group_commit_function
  let entryGroupAddService: avahi_entry_group_add_service_strlst_function
  let entryGroupAddSubtype: avahi_entry_group_add_service_subtype_function
  let entryGroupUpdateServiceText: avahi_entry_group_update_service_txt_strlst_function
  let serviceBrowserNew: avahi_service_browser_new_function
  let serviceBrowserFree: avahi_service_browser_free_function
  let serviceResolverNew: avahi_service_resolver_new_function
  let serviceResolverFree: avahi_service_resolver_free_function
  let recordBrowserNew: avahi_record_browser_new_function
  let recordBrowserFree: avahi_record_browser_free_function

  init() throws(AvahiError) {
    let library = try Library("libavahi-client.so.3")
    clientNew = try library.function("avahi_client_new")
    clientFree = try library.function("avahi_client_free")
    clientErrno = try library.function("avahi_client_errno")
    entryGroupNew = try library.function("avahi_entry_group_new")
    entryGroupFree = try library.function("avahi_entry_group_free")
    entryGroupCommit = try library.function("avahi_entry_group_commit")
    entryGroupAddService = try library.function("avahi_entry_group_add_service_strlst")
    entryGroupAddSubtype = try library.function("avahi_entry_group_add_service_subtype")
    entryGroupUpdateServiceText = try library.function(
      "avahi_entry_group_update_service_txt_strlst")
    serviceBrowserNew = try library.function("avahi_service_browser_new")
    serviceBrowserFree = try library.function("avahi_service_browser_free")
    serviceResolverNew = try library.function("avahi_service_resolver_new")
    serviceResolverFree = try library.function("avahi_service_resolver_free")
    recordBrowserNew = try library.function("avahi_record_browser_new")
    recordBrowserFree = try library.function("avahi_record_browser_free")
  }
}

/// libavahi-core: a responder of our own.
struct CoreLibrary {
  let setLogFunction: avahi_set_log_function_function
  let serverConfigInit: avahi_server_config_init_function
  let serverConfigFree: avahi_server_config_free_function
  let serverNew: avahi_server_new_function
  let serverFree: avahi_server_free_function
  let serverErrno: avahi_server_errno_function
  let entryGroupNew: avahi_s_entry_group_new_function
  let entryGroupFree: avahi_s_entry_group_free_function
  let entryGroupCommit: avahi_s_entry_group_commit_function
  let serverAddAddress: avahi_server_add_address_function
  let serverAddService: avahi_server_add_service_strlst_function
  let serverAddSubtype: avahi_server_add_service_subtype_function
  let serverUpdateServiceText: avahi_server_update_service_txt_strlst_function
  let serviceBrowserNew: avahi_s_service_browser_new_function
  let serviceBrowserFree: avahi_s_service_browser_free_function
  let serviceResolverNew: avahi_s_service_resolver_new_function
  let serviceResolverFree: avahi_s_service_resolver_free_function
  let recordBrowserNew: avahi_s_record_browser_new_function
  let recordBrowserFree: avahi_s_record_browser_free_function
  let keyNew: avahi_key_new_function
  let keyUnref: avahi_key_unref_function

  init() throws(AvahiError) {
    let library = try Library("libavahi-core.so.7")
    setLogFunction = try library.function("avahi_set_log_function")
    serverConfigInit = try library.function("avahi_server_config_init")
    serverConfigFree = try library.function("avahi_server_config_free")
    serverNew = try library.function("avahi_server_new")
    serverFree = try library.function("avahi_server_free")
    serverErrno = try library.function("avahi_server_errno")
    entryGroupNew = try library.function("avahi_s_entry_group_new")
    entryGroupFree = try library.function("avahi_s_entry_group_free")
    entryGroupCommit = try library.function("avahi_s_entry_group_commit")
    serverAddAddress = try library.function("avahi_server_add_address")
    serverAddService = try library.function("avahi_server_add_service_strlst")
    serverAddSubtype = try library.function("avahi_server_add_service_subtype")
    serverUpdateServiceText = try library.function("avahi_server_update_service_txt_strlst")
    serviceBrowserNew = try library.function("avahi_s_service_browser_new")
    serviceBrowserFree = try library.function("avahi_s_service_browser_free")
    serviceResolverNew = try library.function("avahi_s_service_resolver_new")
    serviceResolverFree = try library.function("avahi_s_service_resolver_free")
    recordBrowserNew = try library.function("avahi_s_record_browser_new")
    recordBrowserFree = try library.function("avahi_s_record_browser_free")
    keyNew = try library.function("avahi_key_new")
    keyUnref = try library.function("avahi_key_unref")
  }
}
