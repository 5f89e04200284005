-- Removes the libraries with their scans and permissions, and the function of their trigger.
DROP TRIGGER trigger_libraries_updated_at ON public.libraries;
DROP FUNCTION public.update_libraries_updated_at();
DROP TABLE public.library_permissions;
DROP TABLE public.library_scans;
DROP TABLE public.libraries;
